import { observe, expect, url } from '../observe.mjs';

const R = await import(url('@dimforge/rapier3d/rapier.js'));
const world = new R.World({ x: 0, y: -9.81, z: 0 });
world.createCollider(R.ColliderDesc.cuboid(20, 0.1, 20));
const bodies = [];
for (let i = 0; i < 40; i++) {
  const body = world.createRigidBody(R.RigidBodyDesc.dynamic().setTranslation((i % 5) * 0.7 - 1.5, 1 + i * 0.6, ((i * 3) % 7) * 0.4 - 1)
    .setAngvel({ x: i % 3, y: 0.2, z: -(i % 2) }).setCcdEnabled(i % 4 === 0));
  const shape = [R.ColliderDesc.cuboid(0.3, 0.2, 0.4), R.ColliderDesc.ball(0.3), R.ColliderDesc.capsule(0.2, 0.2), R.ColliderDesc.cylinder(0.3, 0.2),
    R.ColliderDesc.cone(0.3, 0.3), R.ColliderDesc.roundCuboid(0.2, 0.2, 0.2, 0.05)][i % 6];
  world.createCollider(shape.setRestitution(0.3).setFriction(0.6), body);
  bodies.push(body);
}
world.createImpulseJoint(R.JointData.revolute({ x: 0.5, y: 0, z: 0 }, { x: -0.5, y: 0, z: 0 }, { x: 0, y: 0, z: 1 }), bodies[0], bodies[1], true);
world.createImpulseJoint(R.JointData.spherical({ x: 0, y: 0.5, z: 0 }, { x: 0, y: -0.5, z: 0 }), bodies[2], bodies[3], true);
const events = new R.EventQueue(true);
for (let step = 1; step <= 300; step++) {
  world.step(events);
  if (step % 50 === 0) {
    observe(`step ${step}`, bodies.map((b) => [b.translation(), b.rotation(), b.linvel(), b.angvel(), b.isSleeping()]));
    const hit = world.castRay(new R.Ray({ x: 0, y: 20, z: 0.1 * step }, { x: 0.01, y: -1, z: 0 }), 100, true);
    observe(`ray ${step}`, hit && [hit.timeOfImpact, hit.collider.handle]);
  }
}
expect('bodies fell', bodies[39].translation().y < 20);
const snapshot = world.takeSnapshot();
observe('snapshot', snapshot);
const restored = R.World.restoreSnapshot(snapshot);
for (let i = 0; i < 30; i++) restored.step();
observe('restored', restored.takeSnapshot());
