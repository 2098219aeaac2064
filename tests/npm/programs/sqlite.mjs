import { observe, bytes } from '../observe.mjs';

globalThis.self = Object.assign(globalThis, { location: new URL('http://localhost/') });
const { default: sqlite3InitModule } = await import('@sqlite.org/sqlite-wasm');
const sqlite3 = await sqlite3InitModule({ wasmBinary: bytes('@sqlite.org/sqlite-wasm/sqlite-wasm/jswasm/sqlite3.wasm'), print() {}, printErr() {} });
const db = new sqlite3.oo1.DB(':memory:', 'c');
db.exec('CREATE TABLE d(a INTEGER, b TEXT, c REAL); CREATE VIRTUAL TABLE f USING fts5(x); CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)');
db.transaction(() => {
  for (let i = 0; i < 2000; i++) {
    db.exec({ sql: 'INSERT INTO d VALUES(?, ?, ?)', bind: [i * 31 % 997, `t${i % 17}`, i / 7] });
    if (i % 10 === 0) db.exec({ sql: 'INSERT INTO f VALUES(?)', bind: [`loom weft ${i % 30} warp${i % 7}`] });
    if (i % 20 === 0) db.exec({ sql: 'INSERT INTO r VALUES(?, ?, ?)', bind: [i, i % 40, i % 40 + 3.5] });
  }
});
for (const sql of ['SELECT b, sum(a), avg(c) FROM d GROUP BY b ORDER BY 2 DESC', 'SELECT *, rank() OVER (ORDER BY a, c) FROM d WHERE a < 300',
  "SELECT rowid, highlight(f, 0, '<', '>'), bm25(f) FROM f WHERE f MATCH 'warp3 OR weft NEAR 20'", 'SELECT * FROM r WHERE x0 > 10 AND x1 < 30',
  "SELECT json_each.value FROM json_each('[1,[2,3],{\"a\":4}]')", "SELECT group_concat(printf('%.17g', c), ',') FROM d WHERE a % 13 = 0", "SELECT hex(randomblob(8)), random()"])
  observe(sql.slice(0, 30), db.exec({ sql, returnValue: 'resultRows' }));
observe('file', sqlite3.capi.sqlite3_js_db_export(db));
