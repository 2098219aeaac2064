import { format } from '@wasm-fmt/gofmt';
import { observe } from '../observe.mjs';

const source = 'package main\nimport ("fmt";m "math"\n"os")\n// c\ntype T[K comparable,V any] struct{a,b int `json:"a"`;m map[K][]V\nF func(x ...int)(y chan<- int,err error)}\nfunc (t *T[K,V]) M(){for i:=range 3{switch x:=i.(type){case int,string:goto L;default:select{case <-t.c:}}}\nL: a:=[...]int{1,2,\n3};_=a[1:2:3];go func(){defer recover()}();if x:=1<<3|2&^1;x>0{}else if !y{}}\nconst(A=iota;B\n)\nvar s=`raw`+\'\\n\'\n';
for (const [i, s] of [source, source.replace(/^.*\n.*\n/, 'package p\n') + 'var z = 1\n'.repeat(300), 'package main\nfunc (', '', 'package p;var x=0x1p-2+1_000i'].entries()) {
  let out;
  try { out = format(s); } catch (e) { out = `throws ${String(e.message ?? e)}`; }
  observe(`${i}`, out);
}
