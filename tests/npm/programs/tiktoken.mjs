import { observe, expect, require, text } from '../observe.mjs';

const { get_encoding } = require('tiktoken');
const inputs = ['', 'hello world', 'loom — weft\u00a0warp 123456 {"a": [1, 2]}\n\n\t x', '日本語テキスト 👩‍👩‍👧', text('tiktoken/README.md').slice(0, 20000), 'a'.repeat(3000), '<|endoftext|> end'];
for (const name of ['gpt2', 'cl100k_base', 'o200k_base']) {
  const encoding = get_encoding(name);
  for (const [i, input] of inputs.entries()) {
    const tokens = encoding.encode(input, 'all');
    observe(`${name} ${i}`, tokens);
    expect('the round trip', new TextDecoder().decode(encoding.decode(tokens)) === input);
  }
  observe(`${name} rest`, [encoding.encode_with_unstable('abc de', 'all'), encoding.n_vocab, encoding.name]);
  encoding.free();
}
