import { observe, expect, require, at } from '../observe.mjs';

const tf = require('@tensorflow/tfjs-core');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(at('@tensorflow/tfjs-backend-wasm/dist/'));
await tf.setBackend('wasm');
expect('the backend', tf.getBackend() === 'wasm');
const values = (n, k = 1) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * k) * 3);
const see = (label, t) => observe(label, [t.shape, t.dtype, t.dataSync()]);
const [a, b] = [tf.tensor2d(values(37 * 53), [37, 53]), tf.tensor2d(values(53 * 29, 2), [53, 29])];
see('matMul', tf.matMul(a, b));
see('transposed', tf.matMul(b, a, true, true));
const image = tf.tensor4d(values(2 * 17 * 19 * 5), [2, 17, 19, 5]);
for (const [stride, pad] of [[1, 'same'], [2, 'valid']]) {
  see(`conv2d ${stride}`, tf.conv2d(image, tf.tensor4d(values(3 * 3 * 5 * 7, 3), [3, 3, 5, 7]), stride, pad));
  see(`depthwise ${stride}`, tf.depthwiseConv2d(image, tf.tensor4d(values(3 * 3 * 5 * 2, 3), [3, 3, 5, 2]), stride, pad));
  see(`pool ${stride}`, tf.maxPool(image, 3, stride, pad));
  see(`average ${stride}`, tf.avgPool(image, 2, stride, pad));
}
see('fused', tf.fused.conv2d({ x: image, filter: tf.tensor4d(values(5 * 4, 5), [1, 1, 5, 4]), strides: 1, pad: 'same', bias: tf.tensor1d([1, 2, 3, 4]), activation: 'relu6' }));
for (const f of ['abs', 'exp', 'sigmoid', 'relu', 'tanh', 'sqrt', 'rsqrt', 'log', 'floor', 'ceil', 'round', 'neg', 'square', 'elu', 'cos', 'sin', 'softmax', 'step', 'sign', 'cumsum'])
  try { see(f, tf[f](f.includes('sqrt') || f === 'log' ? tf.abs(a) : a)); } catch (e) { observe(`${f} is not there`, e.message.slice(0, 80)); }
for (const f of ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'pow', 'squaredDifference', 'greater', 'equal', 'atan2'])
  try { see(f, tf[f](f === 'pow' ? tf.abs(a) : a, tf.tensor1d(values(53, 9)))); } catch (e) { observe(`${f} is not there`, e.message.slice(0, 80)); }
for (const f of ['sum', 'mean', 'max', 'min', 'prod', 'argMax', 'all']) see(`${f} of rows`, tf[f](f === 'all' ? tf.greater(a, -9) : a, 1));
see('resized', tf.image.resizeBilinear(image, [31, 7]));
see('suppressed', await tf.image.nonMaxSuppressionAsync(tf.tensor2d(values(80 * 4), [80, 4]), tf.tensor1d(values(80, 4)), 20, 0.3, -1));
see('gathered', tf.gather(a, tf.tensor1d([3, 1, 2, 36], 'int32')));
see('top', tf.topk(a, 5).values);
see('others', tf.concat([tf.slice(a, [2, 3], [5, 7]), tf.pad(tf.reverse(tf.slice(a, [0, 0], [3, 5]), 1), [[1, 1], [1, 1]], 2)]));
see('transpose', tf.transpose(image, [3, 0, 2, 1]));
process.exit(0);
