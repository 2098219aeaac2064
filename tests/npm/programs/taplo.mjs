import { observe, require } from '../observe.mjs';

const { Taplo } = require('@taplo/lib');
const taplo = await Taplo.initialize();
const toml = 'b="x"\na = [ 1,2,\n 3 ] # c\n[t]\nd=1979-05-27T07:32:00Z\nf = { x=1 , y = "\\u00e9" }\n[[arr]]\nn = 0x1F\n[[arr]]\nm = """\nq"""\n["q.r".s]\nz=nan';
for (const options of [{}, { alignEntries: true, reorderKeys: true }, { columnWidth: 20, arrayTrailingComma: false, compactInlineTables: true, indentTables: true }])
  observe(JSON.stringify(options), taplo.format(toml, { options }));
observe('decoded', taplo.decode(toml.replace('nan', '1.5')));
observe('encoded', taplo.encode({ a: { b: [1, 2.5, 'x'], c: { d: true } } }));
observe('lint', await taplo.lint('a = 1\na = 2\n[x\n'));
