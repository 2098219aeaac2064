import { observe, expect, require, bytes } from '../observe.mjs';

const rdkit = await require('@rdkit/rdkit')({ wasmBinary: bytes('@rdkit/rdkit/dist/RDKit_minimal.wasm') });
for (const smiles of ['CC(=O)Oc1ccccc1C(=O)O', 'CN1C=NC2=C1C(=O)N(C(=O)N2C)C', 'C[C@H](N)C(=O)O', 'C1CC2CCC1CC2', 'F/C=C/[C@@H](Cl)Br', '[Na+].[Cl-]', 'c1ccc2c(c1)[nH]c1ccccc12', 'not a molecule', 'C1CC']) {
  const mol = rdkit.get_mol(smiles);
  if (!mol) { observe(`${smiles} is none`, rdkit.get_mol.name); continue; }
  observe(smiles, [mol.get_smiles(), mol.get_molblock(), mol.get_inchi?.(), mol.get_svg(), mol.get_descriptors(), mol.get_morgan_fp(), mol.get_pattern_fp(), mol.get_json(), mol.get_stereo_tags(), mol.add_hs(), mol.get_aromatic_form()]);
  observe(`${smiles} match`, mol.get_substruct_matches(rdkit.get_qmol('[#6]~[#8,#7]')));
  expect('a molecule', mol.is_valid?.() ?? true);
  mol.delete();
}
