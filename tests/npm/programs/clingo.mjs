import { observe, expect, require } from '../observe.mjs';

const clingo = require('clingo-wasm');
const run = await clingo.init({ singleThreaded: true });
const programs = { colours: 'node(1..7). edge(1,(2;3;4)). edge(2,(4;5;6)). edge(3,(1;4;5)). edge(4,(1;2)). edge(5,(3;4;6)). edge(6,(2;3;5;7)). col(r;g;b). 1 { c(X,C) : col(C) } 1 :- node(X). :- edge(X,Y), c(X,C), c(Y,C). #show c/2.',
  queens: '#const n=7. 1 { q(I,1..n) } 1 :- I=1..n. 1 { q(1..n,J) } 1 :- J=1..n. :- q(I,J), q(K,L), (I,J)<(K,L), |I-K|==|J-L|.', cost: '{ a(1..9) }. :- #sum { X*X,X : a(X) } < 50. #minimize { X@2,X : a(X) }. #minimize { 1@1,X : a(X) }.',
  disjunction: 'a | b :- not c. c :- not d, a. d :- not c. :~ a. [3@1] {e(X) : X=1..3}. s(S) :- S = #sum+ {X : e(X)}. t("x",f(Y)) :- Y=1..2.', unsat: 'a. :- a.', bad: 'a :- b(X', strings: 'p(X) :- X = @nothing(1). q(2**3, 7\\3, -1..1, "s").' };
for (const [name, program] of Object.entries(programs)) {
  const r = run(program, name === 'queens' || name === 'colours' ? 0 : 5);
  delete r.Time;
  observe(name, r);
}
expect('solved', clingo);
process.exit(0);
