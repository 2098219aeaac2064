import Module from 'manifold-3d';
import { observe, expect } from '../observe.mjs';

const wasm = await Module();
wasm.setup();
const { Manifold, CrossSection } = wasm;
function see(label, solid) {
  const mesh = solid.getMesh();
  observe(`${label} mesh`, [mesh.vertProperties, mesh.triVerts]);
  observe(`${label} facts`, [solid.volume(), solid.surfaceArea(), solid.genus(), solid.boundingBox(), solid.status()]);
  return solid;
}
const cube = see('cube', Manifold.cube([10, 10, 10], true));
const ball = see('ball', Manifold.sphere(6.5, 48));
see('union', cube.add(ball));
const drilled = see('difference', cube.subtract(ball).subtract(Manifold.cylinder(20, 2, 1, 30, true).rotate([30, 45, 0])));
see('intersection', cube.intersect(ball.translate([1, 2, 3])));
const star = CrossSection.ofPolygons([Array.from({ length: 10 }, (_, i) => [Math.cos((i * Math.PI) / 5) * (i % 2 ? 2 : 5), Math.sin((i * Math.PI) / 5) * (i % 2 ? 2 : 5)])]);
observe('offset', star.offset(0.5, 'Round').toPolygons());
see('extruded', star.extrude(8, 12, 90, [0.5, 0.5]));
see('revolved', star.translate([8, 0]).revolve(24));
see('hull', Manifold.hull([cube, ball.translate([12, 0, 0])]));
see('warped', drilled.refine(3).warp((v) => { v[2] += Math.sin(v[0]) / 2; }));
observe('split', drilled.split(ball.translate([3, 3, 3])).map((m) => m.volume()));
see('level set', Manifold.levelSet((p) => 4 - Math.hypot(p[0], p[1] * 1.3, p[2]), { min: [-5, -5, -5], max: [5, 5, 5] }, 0.7));
expect('a hole', drilled.genus() >= 1);
