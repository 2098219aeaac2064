import * as zig from '@wasm-fmt/zig_fmt';
import { observe } from '../observe.mjs';

if (zig.default) await zig.default();
const source = 'const std=@import("std");pub fn main()!void{var a:[3]u8=.{1,2,3};for(a,0..)|x,i|{if(x>1 and i!=2){std.debug.print("{d}\\n",.{x});}else{continue;}}\nconst T=struct{a:?*const u8=null,comptime b:u32=1,fn f(self:@This())callconv(.C)anyerror!u8{return switch(self.b){0...5=>|v|@intCast(v),else=>error.X,};}};while(it.next())|n|:(i+=1){defer n.deinit();errdefer|e|log(e);}_=T{.a=null};}\ntest "x"{try expect(1<<3==8);}\n';
for (const [i, s] of [source, source.repeat(10), 'fn f( {', '// c\nconst a = 1;\n\n\n\nconst b = \\\\x\n;', 'const x = .{ .a = 1, .b = 2, };'].entries()) {
  let out;
  try { out = zig.format(s); } catch (e) { out = `throws ${String(e.message ?? e)}`; }
  observe(`${i}`, out);
}
