// The page: its controls, its panels and what is drawn around the surfaces. All numbers are those that were measured.
'use strict';

const HOME = {azimuth: -0.6, elevation: 0.5, zoom: 1};
const TYPES = {float32: Float32Array, float64: Float64Array};
const LABELS = '13px system-ui, sans-serif';
const $ = id => document.getElementById(id);
const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const decode = ({dtype, base64}) => new TYPES[dtype](bytes(base64).buffer);

const data = JSON.parse($('data').textContent);
const rgb = Array.from({length: 256}, (_, k) => bytes(data.colors).slice(3 * k, 3 * k + 3));
const colors = Uint32Array.from(rgb, ([red, green, blue]) => 0xff000000 | blue << 16 | green << 8 | red);
const state = {value: Object.keys(data.values)[0], log: true, clip: 1, contours: 'surface', linked: true};
const page = window.page = {data, state, panels: [], scale: null};
const shown = () => data.values[state.value];

// Numbers

/** Four digits; the files beside the page have all of them. */
function measured(value) {
  const text = value.toPrecision(4);
  return Math.abs(value) < 1e6 ? String(Number(text)) : text.replace('e+', 'e');
}

function short(value) {
  const plain = value === 0 || (Math.abs(value) < 1e5 && Math.abs(value) >= 1e-3);
  return plain ? String(Number(value.toPrecision(3))) : value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
}

function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough), first = Math.ceil(low / step - 1e-9);
  const length = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({length}, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

function powers(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9), length = Math.floor(Math.log10(high) + 1e-9) - first + 1;
  return length < 2 ? ticks(low, high, 5) : Array.from({length}, (_, k) => Number(`1e${first + k}`));
}

// Scales, shared by all panels

/** From values to heights and colours between 0 and 1; above 1 is cut off, and NaN is a hole. */
function makeScale() {
  const {low, high, logarithmic, levels} = shown();
  const log = logarithmic && state.log, bend = logarithmic ? Math.log10 : Number;
  const top = state.clip === 1 ? high
    : logarithmic ? low * (high / low) ** state.clip : low + state.clip * (high - low);
  const along = curve => value => {
    const share = (curve(value) - curve(low)) / (curve(top) - curve(low) || 1);
    return Number.isFinite(bend(value)) ? share : NaN;
  };
  const marks = log ? powers(low, top) : ticks(low, top, 5), color = along(bend);
  return {
    low, top, color, marks, height: along(log ? Math.log10 : Number),
    bar: logarithmic ? powers(low, top) : marks, nearest: nearestLevels(levels.map(color)),
  };
}

/** The nearest contour of each of 2048 colours. */
function nearestLevels(levels) {
  const nearer = color => (best, level) => Math.abs(level - color) < Math.abs(best - color) ? level : best;
  return Float32Array.from({length: 2048}, (_, k) => levels.reduce(nearer(k / 2047), Infinity));
}

/** Builds all surfaces anew after a change of value, height or cut. */
function update() {
  page.scale = makeScale();
  for (const panel of page.panels) {
    panel.mesh = makeMesh(panel.alpha, panel.beta, panel.values[state.value], page.scale);
    panel.best = best(panel);
    draw(panel);
    say(panel);
  }
  $('log').disabled = !shown().logarithmic;
  $('clip-value').textContent = state.clip === 1 ? 'all' : `to ${short(page.scale.top)}`;
  $('hole').hidden = !page.panels.some(panel => panel.mesh.holes.length);
  $('over').hidden = state.clip === 1;
  showColors();
}

function showColors() {
  const {low, top, color, bar} = page.scale, place = mark => `style="left:${100 * color(mark)}%"`;
  $('colors').style.background = `linear-gradient(to right, ${rgb.map(parts => `rgb(${parts})`)})`;
  $('colors').setAttribute('aria-label', `colours from ${short(low)} to ${short(top)}`);
  $('colors').innerHTML = bar.map(mark => `<i ${place(mark)}></i><span ${place(mark)}>${short(mark)}</span>`).join('');
  $('colors-of').textContent = shown().label;
}

// Panels

function makePanel(surface) {
  const figure = $('panel').content.cloneNode(true).firstElementChild, canvas = figure.querySelector('canvas');
  document.querySelector('main').append(figure);
  figure.querySelector('h2').textContent = surface.title;
  canvas.setAttribute('aria-label', `${surface.title}: arrow keys turn it, with Shift they read point after point`);
  const values = Object.fromEntries(Object.entries(surface.values).map(([name, array]) => [name, decode(array)]));
  const panel = {
    surface, figure, canvas, values, alpha: decode(surface.alpha), beta: decode(surface.beta),
    camera: {...HOME}, probe: -1, buffer: document.createElement('canvas'),
  };
  listen(panel);
  new ResizeObserver(() => draw(panel)).observe(canvas);
  return panel;
}

/** The vertex of the lowest loss or the highest accuracy; -1 if no value is finite. */
function best({values}) {
  const sign = shown().loss ? 1 : -1;
  const better = (at, v, k, all) => Number.isFinite(v) && (at < 0 || sign * v < sign * all[at]) ? k : at;
  return values[state.value].reduce(better, -1);
}

/** Writes below a panel what is read, and where its best point is. */
function say({figure, values, alpha, beta, probe, best}) {
  const {label, loss} = shown();
  const place = v => `α ${measured(alpha[Math.floor(v / beta.length)])}, β ${measured(beta[v % beta.length])}`;
  const value = v => `${label} ${measured(values[state.value][v])}`;
  figure.querySelector('output').textContent = probe < 0 ? '' : `${place(probe)}: ${value(probe)}`;
  figure.querySelector('small').textContent = best < 0 ? 'no finite value'
    : `${loss ? 'lowest' : 'highest'} ${value(best)} at ${place(best)}`;
}

// Drawing

/** Draws a panel soon: coarsely while it moves, if it is slow, and finely when it rests. */
function draw(panel, moving = false) {
  panel.moving = moving;
  panel.request ??= requestAnimationFrame(() => { panel.request = null; paint(panel); });
  clearTimeout(panel.rest);
  if (moving) panel.rest = setTimeout(() => draw(panel), 180);
}

function paint(panel) {
  const {canvas, camera, mesh, buffer, moving, slow} = panel, {clientWidth: width, clientHeight: height} = canvas;
  if (!width || !height) return;
  const start = performance.now(), fine = moving && slow ? 1 : 2, style = getComputedStyle(canvas);
  if (buffer.width !== width * fine || buffer.height !== height * fine) {
    Object.assign(buffer, {width: width * fine, height: height * fine});
    panel.frame = makeFrame(buffer.width, buffer.height);
  }
  const [red, green, blue] = style.caretColor.match(/\d+/g);
  panel.drawn = render(panel.frame, mesh, camera, {
    colors, nearest: page.scale.nearest, contours: state.contours, thickness: fine,
    over: 0xffa8a8a8, hole: 0xff909090, rim: (0xff000000 | blue << 16 | green << 8 | red) >>> 0,
  });
  panel.fine = fine;
  buffer.getContext('2d').putImageData(panel.frame.image, 0, 0);

  const context = canvas.getContext('2d'), put = projection(camera, width, height, floorOf(state.contours));
  Object.assign(canvas, {width: width * devicePixelRatio, height: height * devicePixelRatio});
  context.scale(devicePixelRatio, devicePixelRatio);
  Object.assign(context, {strokeStyle: style.color, fillStyle: style.color, font: LABELS, textBaseline: 'middle'});
  drawBox(context, panel, put);
  context.drawImage(buffer, 0, 0, width, height);
  drawMarks(context, panel, put, style);
  if (fine === 2) panel.slow = performance.now() - start > 25;
}

/** The floor, the two walls behind with their grid, and numbers along the edges in front. */
function drawBox(context, {camera, alpha, beta}, put) {
  const floor = floorOf(state.contours), {marks, height} = page.scale;
  const x = Math.sin(camera.azimuth) > 0 ? 1 : -1, y = Math.cos(camera.azimuth) > 0 ? -1 : 1; // the corner in front
  const line = (opacity, ...points) => {
    context.globalAlpha = opacity;
    context.beginPath();
    for (const point of points) context.lineTo(...put(...point));
    context.stroke();
  };
  const text = (word, [right, down], align = 'center') => {
    Object.assign(context, {globalAlpha: 0.85, textAlign: align});
    context.fillText(word, right, down);
  };
  for (const mark of marks) line(0.18, ...[[-x, y], [-x, -y], [x, -y]].map(edge => [...edge, BOX * height(mark)]));
  for (const tick of ticks(alpha[0], alpha[alpha.length - 1], 4)) {
    const at = within(alpha, tick);
    line(0.18, [at, y, floor], [at, -y, floor], [at, -y, BOX]);
    text(short(tick), put(at, y * 1.13, floor));
  }
  for (const tick of ticks(beta[0], beta[beta.length - 1], 4)) {
    const at = within(beta, tick);
    line(0.18, [x, at, floor], [-x, at, floor], [-x, at, BOX]);
    text(short(tick), put(x * 1.13, at, floor));
  }
  line(0.45, [-1, -1, floor], [1, -1, floor], [1, 1, floor], [-1, 1, floor], [-1, -1, floor]);
  const [left] = [[-x, y], [x, -y]].sort((a, b) => put(...a, 0)[0] - put(...b, 0)[0]);
  for (const mark of marks) {
    const [right, down] = put(...left, BOX * height(mark));
    text(short(mark), [right - 8, down], 'right');
  }
  context.font = 'italic 17px Georgia, serif';
  text('α', put(0, y * 1.32, floor));
  text('β', put(x * 1.32, 0, floor));
  context.globalAlpha = 1;
}

/** The best point with its pin, and the point that is read. */
function drawMarks(context, panel, put, {color, caretColor, backgroundColor}) {
  const {mesh, drawn, fine, best, probe, values} = panel;
  if (best >= 0) {
    const [right, down] = put(mesh.x[best], mesh.y[best], BOX * 1.08);
    const text = `${shown().loss ? 'min' : 'max'} ${short(values[state.value][best])}`;
    Object.assign(context, {font: LABELS, textAlign: 'center', lineWidth: 1, strokeStyle: color});
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(right, down);
    context.lineTo(drawn.at.x[best] / fine, drawn.at.y[best] / fine);
    context.stroke();
    context.setLineDash([]);
    Object.assign(context, {lineWidth: 4, lineJoin: 'round', strokeStyle: backgroundColor, fillStyle: color});
    context.strokeText(text, right, down - 10);
    context.fillText(text, right, down - 10);
    drawDot(context, panel, best, color);
  }
  if (probe >= 0) drawDot(context, panel, probe, caretColor);
}

/** A dot on a vertex, hollow where the surface hides it. */
function drawDot(context, {frame, drawn: {at}, fine}, v, color) {
  const seen = at.z[v] - 0.04 < (frame.depth[Math.round(at.y[v]) * frame.width + Math.round(at.x[v])] ?? Infinity);
  Object.assign(context, {fillStyle: color, strokeStyle: seen ? 'white' : color, lineWidth: 1.5});
  context.beginPath();
  context.arc(at.x[v] / fine, at.y[v] / fine, 5, 0, 2 * Math.PI);
  if (seen) context.fill();
  context.stroke();
}

// What the reader does

function turn(panel, azimuth, elevation, zoom = 1) {
  const {camera} = panel;
  camera.azimuth += azimuth;
  camera.elevation = Math.max(0.03, Math.min(Math.PI / 2, camera.elevation + elevation));
  camera.zoom = Math.max(0.4, Math.min(12, camera.zoom * zoom));
  follow(panel);
}

/** Gives a camera to all panels while they turn together. */
function follow(panel) {
  for (const each of state.linked ? page.panels : [panel]) {
    Object.assign(each.camera, panel.camera);
    draw(each, true);
  }
}

/** Reads a point, and while the panels turn together the nearest one of the others. */
function read(panel, vertex) {
  const {alpha, beta} = panel, m = beta.length;
  const nearest = (steps, wanted) => {
    const distances = steps.map(step => Math.abs(step - wanted));
    return distances.indexOf(Math.min(...distances));
  };
  for (const each of state.linked ? page.panels : [panel]) {
    each.probe = each === panel || vertex < 0 ? vertex
      : nearest(each.alpha, alpha[Math.floor(vertex / m)]) * each.beta.length + nearest(each.beta, beta[vertex % m]);
    say(each);
    draw(each);
  }
}

/** Reads the next point in a direction, at first from the best one. */
function step(panel, along, across) {
  const {alpha, beta, probe, best} = panel, m = beta.length, from = Math.max(0, probe < 0 ? best : probe);
  const inside = (k, count) => Math.max(0, Math.min(count - 1, k));
  read(panel, inside(Math.floor(from / m) + along, alpha.length) * m + inside(from % m + across, m));
}

function listen(panel) {
  const {canvas} = panel, fingers = new Map();
  const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  canvas.onpointerdown = event => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, {x: event.offsetX, y: event.offsetY});
  };
  canvas.onpointerup = canvas.onpointercancel = event => fingers.delete(event.pointerId);
  canvas.onpointermove = ({pointerId, offsetX: x, offsetY: y}) => {
    const before = fingers.get(pointerId), {frame, mesh, drawn, fine} = panel;
    if (!before) return drawn && read(panel, pick(frame, mesh, drawn, x * fine, y * fine));
    const wide = fingers.size === 2 && spread();
    fingers.set(pointerId, {x, y});
    return wide ? turn(panel, 0, 0, spread() / wide) : turn(panel, (before.x - x) * 0.008, (y - before.y) * 0.008);
  };
  canvas.onpointerleave = () => read(panel, -1);
  canvas.onwheel = event => { event.preventDefault(); turn(panel, 0, 0, Math.exp(-event.deltaY * 0.0012)); };
  canvas.onkeydown = event => {
    const act = (event.shiftKey ? READING : TURNING)[event.key] ?? OTHER[event.key];
    if (act) { event.preventDefault(); act(panel); }
  };
}

const TURNING = {
  ArrowLeft: panel => turn(panel, 0.08, 0), ArrowRight: panel => turn(panel, -0.08, 0),
  ArrowUp: panel => turn(panel, 0, 0.06), ArrowDown: panel => turn(panel, 0, -0.06),
};
const READING = {
  ArrowLeft: panel => step(panel, -1, 0), ArrowRight: panel => step(panel, 1, 0),
  ArrowUp: panel => step(panel, 0, 1), ArrowDown: panel => step(panel, 0, -1),
};
const OTHER = {
  '+': panel => turn(panel, 0, 0, 1.1), '=': panel => turn(panel, 0, 0, 1.1), '-': panel => turn(panel, 0, 0, 1 / 1.1),
  Home: reset, Escape: panel => read(panel, -1),
};

function reset() {
  for (const panel of page.panels) { Object.assign(panel.camera, HOME); draw(panel); }
}

const choose = (id, name, chosen) => { $(id).oninput = () => { state[name] = chosen($(id)); update(); }; };
choose('value', 'value', select => select.value);
choose('log', 'log', box => box.checked);
choose('clip', 'clip', slider => slider.value / 100);
choose('contours', 'contours', select => select.value);
$('linked').oninput = () => { state.linked = $('linked').checked; if (state.linked) follow(page.panels[0]); };
$('reset').onclick = reset;

const dark = matchMedia('(prefers-color-scheme: dark)'), root = document.documentElement.style;
dark.onchange = () => page.panels.forEach(panel => draw(panel));
$('theme').onclick = () => {
  root.colorScheme = (root.colorScheme || (dark.matches ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark';
  dark.onchange();
};

for (const [name, {label}] of Object.entries(data.values)) $('value').append(new Option(label, name));
for (const {title, metadata} of data.surfaces) {
  const term = document.createElement('dt'), facts = document.createElement('dd');
  term.textContent = title;
  facts.textContent = Object.entries(metadata).map(([name, fact]) => `${name} ${fact}`).join(', ') || 'not said';
  $('metadata').append(term, facts);
}
page.panels = data.surfaces.map(makePanel);
update();
