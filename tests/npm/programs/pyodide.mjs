import { observe, at } from '../observe.mjs';
import { loadPyodide } from 'pyodide';

const pyodide = await loadPyodide({ indexURL: at('pyodide/'), env: { PYTHONHASHSEED: '0' } });
const scripts = ['sum(i * i for i in range(10000))', 'import hashlib; [hashlib.new(n, b"loom").hexdigest() for n in ("md5", "sha1", "sha256", "blake2b", "sha3_256")]', 'import json, re; json.dumps({"a": [1.5, None, "ü"], "m": re.findall(r"(\\w)(\\d+)", "a1 b22 c333"), "f": repr(0.1 + 0.2), "b": str(3**200 // 7**50)})',
  'import struct, zlib, base64; base64.b64encode(zlib.compress(struct.pack(">IdQ", 7, 1.5, 2**40) * 50, 9)).decode()', '"\\n".join(f"{x:>10.3e}|{x!r}|{x:g}|{round(x, 2)}" for x in (0.1, 1e300, -2.5, 1/3, float("inf"), 5e-324))',
  'from dataclasses import dataclass\n@dataclass(order=True)\nclass P:\n  x: int\n  y: float = 1\nrepr(sorted([P(3), P(1, 2), P(1, 1)]))', 'import itertools, collections, math; repr((list(itertools.permutations("abc", 2)), collections.Counter("mississippi").most_common(), math.gamma(5.5), math.fsum([.1] * 10), math.comb(60, 30)))',
  'import random; random.seed(7); repr([random.random() for _ in range(20)] + random.sample(range(100), 10))', 'import datetime, decimal, fractions; repr((datetime.date(2024, 2, 29).isocalendar(), decimal.Decimal(2).sqrt(), fractions.Fraction(355, 113) ** 3))', 'def f(n): return n if n < 2 else f(n-1) + f(n-2)\nf(18)',
  'try:\n  1 / 0\nexcept Exception as e:\n  r = repr(e)\ntry:\n  raise ExceptionGroup("g", [ValueError(1), TypeError(2)])\nexcept* ValueError as g:\n  r += repr(g.exceptions)\nexcept* TypeError: pass\nr', 'match {"k": [1, (2, 3)]}:\n  case {"k": [a, (b, *c)]}: r = repr((a, b, c))\nr', 'async def g():\n  for i in range(3): yield i\n[x async for x in g()]', 'import ast, dis, io; s = io.StringIO(); dis.dis(compile("x = [i for i in y if i > 2]", "a", "exec"), file=s); ast.dump(ast.parse("a: int = b if c else (d := 1)")) + s.getvalue()', 'import unicodedata; unicodedata.normalize("NFD", "äöé") + "ß".upper() + "İ".lower()', 'undefined_name', 'import xml.etree.ElementTree as E; E.tostring(E.fromstring("<a b=\'1\'><c>t</c>x</a>")).decode()'];
for (const [i, script] of scripts.entries()) {
  let r;
  try { r = await pyodide.runPythonAsync(script); } catch (e) { r = `throws ${e.message.split('\n').slice(-3).join('|')}`; }
  observe(`${i}`, r?.toJs ? r.toJs() : r);
}
