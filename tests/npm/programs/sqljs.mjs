import { observe, require } from '../observe.mjs';

for (const flavour of ['sql-wasm.js', 'sql-wasm-debug.js']) {
  const SQL = await require(`sql.js/dist/${flavour}`)();
  const db = new SQL.Database();
  db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, v REAL, b BLOB); CREATE INDEX tn ON t(name, v);');
  const insert = db.prepare('INSERT INTO t(name, v, b) VALUES (?, ?, ?)');
  db.run('BEGIN');
  for (let i = 0; i < 3000; i++) insert.run([`n${(i * 7919) % 101}`, Math.sin(i) * 1e6, new Uint8Array([i, i >> 8, 255])]);
  db.run('COMMIT');
  insert.free();
  const queries = [
    'SELECT name, count(*), sum(v), avg(v), min(v), max(v), group_concat(id) FROM t GROUP BY name ORDER BY 3',
    'WITH RECURSIVE f(n, a, b) AS (SELECT 0, 0, 1 UNION ALL SELECT n + 1, b, a + b FROM f WHERE n < 80) SELECT * FROM f',
    "SELECT a.id, b.id FROM t a JOIN t b ON a.name = b.name AND a.id < b.id WHERE a.v > 0 AND b.v < -5e5 ORDER BY a.id, b.id LIMIT 500",
    "SELECT printf('%.10g|%e|%08.3f|%x', v, v, v, id), hex(b), quote(b), round(v, 3), cast(v AS INTEGER) FROM t WHERE id % 50 = 0",
    'SELECT id, row_number() OVER w, lag(v, 2) OVER w, sum(v) OVER (ORDER BY id ROWS 5 PRECEDING) FROM t WINDOW w AS (PARTITION BY name ORDER BY v)',
    "SELECT upper(name), substr(name, 2), instr(name, '3'), replace(name, 'n', 'ab'), like('%1%', name), glob('n[1-5]*', name) FROM t LIMIT 200",
    "SELECT json_extract('{\"a\":[1,2.5,{\"b\":null}]}', '$.a[1]'), json_group_array(id) FROM t WHERE id < 30",
    "SELECT date('2024-02-29', '+1 year'), strftime('%J %W %s', '2024-12-31 23:59:58'), 1/0, 9223372036854775807 + 1, 5 % -3, -7 / 2",
    'EXPLAIN QUERY PLAN SELECT * FROM t WHERE name = ? AND v > 3',
    'PRAGMA integrity_check',
  ];
  for (const [i, q] of queries.entries()) observe(`${flavour} ${i}`, db.exec(q));
  db.create_function('twice', (x) => x * 2);
  observe(`${flavour} function`, db.exec('SELECT twice(id) FROM t WHERE id < 5'));
  for (const bad of ['SELEC 1', 'SELECT * FROM nowhere', 'INSERT INTO t(id) VALUES (1)', "SELECT json('{')"]) {
    let message;
    try { db.exec(bad); } catch (e) { message = e.message; }
    observe(`${flavour} ${bad}`, message);
  }
  db.run('DELETE FROM t WHERE id % 3 = 0; VACUUM');
  const file = db.export();
  observe(`${flavour} file`, file);
  const again = new SQL.Database(file);
  observe(`${flavour} reopened`, again.exec('SELECT count(*), sum(id), total(v) FROM t'));
}
