import { SaxEventType, SAXParser } from 'sax-wasm';
import { observe, bytes } from '../observe.mjs';

const types = Object.values(SaxEventType).filter((v) => typeof v === 'number');
const xml = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e "v">]><a:b xmlns:a="u" c="1 &lt; 2"><![CDATA[ <x> ]]><d/>t&#228;xt<!-- n --><e f=\'g"\'>日本</e></a:b>\n'.repeat(50);
for (const mask of [types.reduce((a, b) => a | b, 0), SaxEventType.OpenTag | SaxEventType.Text, SaxEventType.Attribute]) {
  const parser = new SAXParser(mask, { highWaterMark: 4096 });
  const seen = [];
  parser.eventHandler = (type, detail) => { seen.push(type, JSON.parse(JSON.stringify(detail.toJSON ? detail.toJSON() : detail))); };
  await parser.prepareWasm(bytes('sax-wasm/lib/sax-wasm.wasm'));
  const data = new TextEncoder().encode(xml);
  for (let i = 0; i < data.length; i += 1001) parser.write(data.subarray(i, i + 1001));
  parser.end();
  observe(`events ${mask}`, seen);
}
