import { newQuickJSWASMModule, RELEASE_SYNC, DEBUG_SYNC } from 'quickjs-emscripten';
import { observe } from '../observe.mjs';
import { scripts } from '../scripts.mjs';

for (const [name, variant] of [['release', RELEASE_SYNC], ['debug', DEBUG_SYNC]]) {
  const vm = (await newQuickJSWASMModule(variant)).newContext();
  for (const [i, script] of scripts.entries()) {
    const result = vm.evalCode(script);
    vm.runtime.executePendingJobs();
    const handle = result.error ?? result.value;
    observe(`${name} ${i} ${result.error ? 'throws' : ''}`, vm.dump(handle) ?? null);
    handle.dispose();
  }
}
