import { LuaFactory } from 'wasmoon';
import { observe, at } from '../observe.mjs';

const lua = await new LuaFactory(at('wasmoon/dist/glue.wasm')).createEngine();
const scripts = ['local t = {} for i = 1, 3000 do t[i] = (i * 7919) % 1009 end table.sort(t) return table.concat(t, ",")',
  'local function f(n) if n < 2 then return n end return f(n - 1) + f(n - 2) end return f(20)', 'return ("hello world"):gsub("o(.?)", "<%1>"):upper() .. string.format("%q %5.2f %x %g", "a\\n", 3.14159, 255, 1e100)',
  'local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) error({code = b}) end) local x = co(1) local ok, e = pcall(co, 7) return x .. tostring(ok) .. e.code',
  'return string.pack(">I4 s2 d", 7, "abc", 1.5):byte(1, -1)', 'local mt = setmetatable({}, {__index = function(_, k) return k * 2 end, __call = function(self, x) return self[x] + 1 end, __close = function() end}) return mt(21)',
  'goto done do error("x") end ::done:: return 7 // -2 .. 7 % -2 .. 7.5 // 2 .. 1 << 62 .. math.maxinteger + 1 .. 3 | 4 ~ 1', 'return select("#", table.unpack({1, nil, 3}, 1, 3)), math.type(1), math.tointeger("8"), utf8.char(228, 8364), utf8.len("äö")',
  'error("plain")', 'return nil + 1', 'x = = 1', 'local s = 0 for k, v in pairs({a = 1, b = 2, 10, 20}) do s = s + v end return s', 'collectgarbage() return tostring(1e15) .. 2^53 .. -0.0 .. 0x.8p1'];
for (const [i, script] of scripts.entries()) observe(`${i}`, await lua.doString(script).catch((e) => `throws ${e.message}`) ?? null);
lua.global.set('twice', (x) => x * 2);
observe('callback', await lua.doString('local s = 0 for i = 1, 100 do s = s + twice(i) end return s'));
