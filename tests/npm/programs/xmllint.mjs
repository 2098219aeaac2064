import { observe, require } from '../observe.mjs';

const { validateXML } = require('xmllint-wasm');
const schema = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="l"><xs:complexType><xs:sequence><xs:element name="n" maxOccurs="9"><xs:simpleType>
 <xs:restriction base="xs:decimal"><xs:minInclusive value="2"/><xs:fractionDigits value="2"/></xs:restriction></xs:simpleType></xs:element><xs:element name="d" type="xs:date" minOccurs="0"/></xs:sequence>
 <xs:attribute name="k" use="required"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[a-c]+\\d"/></xs:restriction></xs:simpleType></xs:attribute></xs:complexType></xs:element></xs:schema>`;
const files = ['<l k="a1"><n>3</n><n>4.25</n><d>2024-02-29</d></l>', '<l k="x"><n>1.234</n><d>2023-02-29</d></l>', '<l><n>7</n>', '<l k="b2"><!-- ä --><n> 5 </n><q/></l>', '<?xml version="1.0" encoding="ISO-8859-1"?><l k="c3"><n>&#50;</n></l>'];
for (const [i, contents] of files.entries()) {
  const r = await validateXML({ xml: { fileName: `${i}.xml`, contents }, schema: { fileName: 's.xsd', contents: schema } });
  observe(`validated ${i}`, [r.valid, r.errors, r.rawOutput]);
  const n = await validateXML({ xml: { fileName: `${i}.xml`, contents }, normalization: i % 2 ? 'format' : 'c14n' });
  observe(`normalized ${i}`, [n.valid, n.normalized, n.errors]);
}
