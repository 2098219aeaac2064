import { observe, expect, require, sample } from '../observe.mjs';

const Bzip2 = require('@foxglove/wasm-bz2');
const bz = await (Bzip2.default ?? Bzip2).init();
// What bzip2 makes of `loom weft warp shuttle ` 400 times and the 900 bytes (i * i * 7 + i) mod 251.
const packed = Buffer.from('QlpoOTFBWSZTWWnFZ5AACW///83PWRtE2Cn8cd7eDWv3/pEKlPhIRxwGvk3SdlDE1FugQAJcAAEg0xMAAAAAAAAAAAAAAEYRgAAABBpiYAAAAAAAAAAAAAAIwjAAAACDTE'
  + 'wAAAAAAAAAAAAAARhGAAAAAqVVDagGgNDUwT9SG0A01NqMyAAjym0fqTJqek9NNBPao09qjNpqehkaT0pSnCpTTL0yzxzhzczOOzL2bY+J2JomDLJzjTOqaE8Z8jwmzOnN'
  + 'CZJgzjzozklcxzClM3vWOpNrJIJjhCZAQlAQmHKRZlIsH8T/SpKDqGlNsYxeTImHLU95WlaZp2pXKx6pTM2diZJ5z0lBTmGVDyFouzLmWak1DVNU9pmT3m/MWUHVLw+E3B'
  + 'sT7Z/h+UuT75fzJNk4RVONK0wj6H/BCZRyJ6jpHQCEpBCZh3QhLExJpHWCEvy+M2aU6BpzACE7MkgnX/aaIQlg65sy4XQQnFCExghPEVJcmeYRiBCf0ek4IQnrlcITPnEC'
  + 'EsBCZR3ghNwCEuz4zWPDM4x5ezQLMslotTymeUytKsxCoXhrTdGdMs/koLZwJVL6V5XMU556J7pRMCfKck9x5p0T9ZsGwapqlc4Mql9P0l+a0szXm0mbMQsG+MUzJjnAPn'
  + 'KZQZBbLZaLcszaFBimCf3Pad2UG7LZcNcuF8fM0Tnl0ahhzKMaeQ3hmGvPqWi5PrKkv5al0fCYEqn4GzNeexdyRThQkGnFZ5A=', 'base64');
const data = Buffer.concat([Buffer.from('loom weft warp shuttle '.repeat(400)), Buffer.from(Array.from({ length: 900 }, (_, i) => (i * i * 7 + i) % 251))]);
for (const small of [false, true]) {
  const out = bz.decompress(packed, data.length, { small });
  expect('the data', data.equals(Buffer.from(out)));
  observe(`whole ${small}`, out);
  for (const bad of [sample(100), packed.subarray(0, 200), packed.map((b, i) => (i === 99 ? b ^ 4 : b)), new Uint8Array(0)]) {
    let result;
    try { result = Array.from(bz.decompress(bad, data.length, { small })); } catch (e) { result = String(e); }
    observe(`${small} ${bad.length}`, result);
  }
}
