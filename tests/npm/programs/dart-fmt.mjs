import { format } from '@wasm-fmt/dart_fmt';
import { observe } from '../observe.mjs';

const source = `import 'dart:async';library x;void main(List<String>args)async{var m={'a':1,...?b,if(c)'d':e,for(var i in j)'$i':i};await for(final x in y.where((z)=>z?.q??false).map<int>((k)=>k!.length))print('\${x+1} "$y"');
 switch(m){case {'a':int n} when n>0:break;case [_,...var rest]||null:return;default:throw StateError('s');}}sealed class A<T extends Object>extends B with C,D implements E{const A.n(this.x,{required super.y,int?z=3}):assert(x>0),w=x*2,super();
 @override Future<T?> get g async=>_h??=await compute<Map<String,List<int>>>(longArgumentNumberOne:1,longArgumentNumberTwo:[1,2,3,4],three:()async*{yield* s;});operator[]=(i,v){}}enum F{a(1),b(2);const F(this.i);final int i;}extension type G(int i)implements int{}typedef H<T>=T Function(int,{String?a});`;
for (const options of [{}, { line_width: 40 }, { line_width: 120, line_ending: 'crlf' }]) for (const [i, s] of [source, source.replace('library x;', '').repeat(1), `main(){${'x(1);'.repeat(80)}}`, 'void f( {', '/// doc\n// c\nint a=1;'].entries()) {
  let out;
  try { out = format(s, 'a.dart', options); } catch (e) { out = `throws ${String(e.message ?? e)}`; }
  observe(`${JSON.stringify(options)} ${i}`, out);
}
