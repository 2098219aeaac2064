import Yoga, { Direction, FlexDirection, Wrap, Justify, Align, Edge, MeasureMode } from 'yoga-layout';
import { observe } from '../observe.mjs';

function layout(node) {
  const { left, top, width, height } = node.getComputedLayout();
  return [left, top, width, height, Array.from({ length: node.getChildCount() }, (_, i) => layout(node.getChild(i)))];
}
let s = 99;
const draw = (n) => (s = (Math.imul(s, 1664525) + 1013904223) >>> 0) % n;
function tree(depth) {
  const node = Yoga.Node.create();
  node.setFlexDirection([FlexDirection.Row, FlexDirection.Column, FlexDirection.RowReverse][draw(3)]);
  node.setFlexWrap([Wrap.NoWrap, Wrap.Wrap, Wrap.WrapReverse][draw(3)]);
  node.setJustifyContent([Justify.Center, Justify.SpaceBetween, Justify.FlexEnd, Justify.SpaceEvenly][draw(4)]);
  node.setAlignItems([Align.Stretch, Align.Center, Align.FlexEnd, Align.Baseline][draw(4)]);
  if (draw(2)) node.setFlexGrow(draw(5) / 2);
  if (draw(2)) node.setFlexShrink(draw(3));
  if (draw(3) === 0) node.setWidthPercent(10 + draw(90));
  if (draw(3) === 0) node.setMinHeight(draw(50));
  if (draw(4) === 0) node.setAspectRatio(0.5 + draw(30) / 10);
  node.setMargin([Edge.Left, Edge.Vertical, Edge.All][draw(3)], draw(20) - 4);
  node.setPadding(Edge.All, draw(10));
  node.setGap(2, draw(7));
  if (depth === 0) node.setMeasureFunc((w, wm, h) => ({ width: wm === MeasureMode.Undefined ? 37.5 : Math.min(w, 61.3), height: Math.min(h || 20, 20.25) }));
  else for (let i = 0; i < 1 + draw(4); i++) node.insertChild(tree(depth - 1), i);
  return node;
}
for (let i = 0; i < 20; i++) {
  const root = tree(4);
  for (const direction of [Direction.LTR, Direction.RTL]) {
    root.calculateLayout(300 + i * 50, i % 2 ? 400 : undefined, direction);
    observe(`tree ${i} ${direction}`, layout(root));
  }
  root.freeRecursive();
}
