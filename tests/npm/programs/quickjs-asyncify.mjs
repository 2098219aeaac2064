import { newQuickJSAsyncWASMModule, RELEASE_ASYNC } from 'quickjs-emscripten';
import { observe } from '../observe.mjs';
import { scripts } from '../scripts.mjs';

const vm = (await newQuickJSAsyncWASMModule(RELEASE_ASYNC)).newContext();
// An asyncified function: the module's stack is unwound and rewound around each call.
vm.newAsyncifiedFunction('wait', async (x) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return vm.newNumber(vm.getNumber(x) * 2);
}).consume((f) => vm.setProp(vm.global, 'wait', f));
for (const [i, script] of [...scripts, 'let t = 0; for (let i = 0; i < 20; i++) t += wait(i) + [1, 2].map(wait).length; t', 'function f(n) { return n ? wait(n) + f(n - 1) : 0 } f(15)'].entries()) {
  const result = await vm.evalCodeAsync(script);
  vm.runtime.executePendingJobs();
  const handle = result.error ?? result.value;
  observe(`${i} ${result.error ? 'throws' : ''}`, vm.dump(handle) ?? null);
  handle.dispose();
}
