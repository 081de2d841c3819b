// A surface in space, drawn into pixels with a depth buffer. Nothing here knows of the page around it.
'use strict';

const BOX = 1.25; // how high the box is; it is 2 wide and 2 deep
const LOWERED = -0.5; // where the floor lies while contours are drawn on it
const DISTANCE = 7; // of the eye from the middle of the box

/** Vertices of a grid (place, height, colour, light), its cells with and without holes, and the edges between them. */
function makeMesh(alpha, beta, values, scale) {
  const n = alpha.length, m = beta.length, mesh = {n, m, whole: [], holes: [], rim: []};
  for (const name of ['x', 'y', 'z', 'color', 'light']) mesh[name] = new Float32Array(n * m);
  for (let v = 0; v < n * m; v++) {
    mesh.x[v] = within(alpha, alpha[Math.floor(v / m)]);
    mesh.y[v] = within(beta, beta[v % m]);
    mesh.z[v] = BOX * Math.min(scale.height(values[v]), 1);
    mesh.color[v] = scale.color(values[v]);
  }
  for (let v = 0; v < n * m; v++) mesh.light[v] = lightAt(mesh, v);
  for (let v = 0; v < (n - 1) * m; v++) if (v % m < m - 1) addCell(mesh, v);
  return mesh;
}

/** Where a step lies in the box, from -1 to 1. */
const within = (steps, step) => 2 * (step - steps[0]) / (steps[steps.length - 1] - steps[0]) - 1;

/** Sorts the cell whose first corner is `a` among the whole ones or the holes. */
function addCell({m, z, whole, holes, rim}, a) {
  const corners = [a, a + 1, a + m + 1, a + m], gone = v => Number.isNaN(z[v]);
  if (!corners.some(gone)) return whole.push(a);
  corners.forEach((from, k) => {
    const to = corners[(k + 1) % 4];
    if (!gone(from) && !gone(to)) rim.push([from, to]);
  });
  return holes.push(a);
}

/** How bright a vertex is, from the slopes between its neighbours; a neighbour that is gone does not count. */
function lightAt({n, m, x, y, z}, v) {
  const slope = (place, step, hasBefore, hasAfter) => {
    const from = hasBefore && !Number.isNaN(z[v - step]) ? v - step : v;
    const to = hasAfter && !Number.isNaN(z[v + step]) ? v + step : v;
    return from === to ? 0 : (z[to] - z[from]) / (place[to] - place[from]);
  };
  const i = Math.floor(v / m), j = v % m;
  const dx = slope(x, m, i > 0, i + 1 < n), dy = slope(y, 1, j > 0, j + 1 < m);
  return 0.5 + 0.58 * Math.max(0, (0.5 * dx + 0.35 * dy + 0.79) / Math.hypot(dx, dy, 1));
}

const floorOf = contours => contours === 'floor' ? LOWERED : 0;

/** A function from the box above a floor to [right, down, distance] on the screen. */
function projection(camera, width, height, floor) {
  const sa = Math.sin(camera.azimuth), ca = Math.cos(camera.azimuth);
  const se = Math.sin(camera.elevation), ce = Math.cos(camera.elevation);
  const size = camera.zoom * Math.min(width * 0.275, height * 0.7 / (1 + BOX - floor));
  return (x, y, z) => {
    const away = y * ca - x * sa, up = z - (BOX + floor) / 2, far = away * ce - up * se;
    const scale = size * DISTANCE / (DISTANCE + far);
    return [width / 2 + (x * ca + y * sa) * scale, height * 0.46 - (up * ce + away * se) * scale, far];
  };
}

/** Pixels, how far what each shows is, and which cell that is: 1 + its first corner, or -1 - that of a hole. */
function makeFrame(width, height) {
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer), size = width * height;
  return {width, height, image, pixels, depth: new Float32Array(size), ids: new Int32Array(size)};
}

/**
 * Draws a mesh and says where its vertices are on the screen, at their heights and on the floor.
 *
 * `style` has `colors`, `over`, `hole` and `rim` as 0xAABBGGRR, `nearest` (the contour nearest to a colour),
 * `contours` ('surface', 'floor' or 'none') and `thickness` of lines in pixels.
 */
function render(frame, mesh, camera, style) {
  frame.pixels.fill(0);
  frame.depth.fill(Infinity);
  frame.ids.fill(0);
  const floor = floorOf(style.contours), put = projection(camera, frame.width, frame.height, floor);
  const at = places(mesh, put, v => Number.isNaN(mesh.z[v]) ? floor : mesh.z[v]);
  const below = places(mesh, put, () => floor);
  const fill = (cells, points, id, brush) => cells.forEach(a => {
    triangle(frame, points, a, a + 1, a + mesh.m + 1, id(a), brush);
    triangle(frame, points, a, a + mesh.m + 1, a + mesh.m, id(a), brush);
  });
  fill(mesh.holes, below, a => -1 - a, hatch(frame, style));
  fill(mesh.whole, at, a => 1 + a, paintSurface(mesh, style));
  if (floor) fill(mesh.whole, below, () => 0, paintContours(mesh, style));
  for (const [from, to] of mesh.rim) segment(frame, at, from, to, style.rim, style.thickness + 1);
  return {at, below};
}

function places(mesh, put, height) {
  const [x, y, z] = [0, 1, 2].map(() => new Float32Array(mesh.x.length));
  for (let v = 0; v < x.length; v++) [x[v], y[v], z[v]] = put(mesh.x[v], mesh.y[v], height(v));
  return {x, y, z};
}

/**
 * Fills a triangle where nothing nearer was drawn. A place in it is a + p (b - a) + q (c - a); the brush is told the
 * corners and the slopes of p and q on the screen, then gives the colour of each place, or 0 for none.
 */
function triangle({width, height, pixels, depth, ids}, {x, y, z}, a, b, c, id, brush) {
  const x0 = x[a], y0 = y[a], z0 = z[a], bx = x[b] - x0, by = y[b] - y0, cx = x[c] - x0, cy = y[c] - y0;
  const left = Math.max(0, Math.ceil(x0 + Math.min(0, bx, cx) - 0.5));
  const right = Math.min(width - 1, Math.floor(x0 + Math.max(0, bx, cx) - 0.5));
  const top = Math.max(0, Math.ceil(y0 + Math.min(0, by, cy) - 0.5));
  const bottom = Math.min(height - 1, Math.floor(y0 + Math.max(0, by, cy) - 0.5));
  const area = bx * cy - cx * by;
  if (left > right || top > bottom || area === 0) return;
  const px = cy / area, py = -cx / area, qx = -by / area, qy = bx / area, zb = z[b] - z0, zc = z[c] - z0;
  brush.prepare(a, b, c, px, py, qx, qy);
  for (let row = top; row <= bottom; row++) {
    const right0 = left + 0.5 - x0, down0 = row + 0.5 - y0;
    let p = px * right0 + py * down0, q = qx * right0 + qy * down0;
    for (let k = row * width + left, end = row * width + right; k <= end; k++, p += px, q += qx) {
      if (p < -1e-5 || q < -1e-5 || p + q > 1.00001) continue;
      const far = z0 + p * zb + q * zc;
      if (far >= depth[k]) continue;
      const color = brush.pixel(p, q, k);
      if (!color) continue;
      depth[k] = far;
      pixels[k] = color;
      ids[k] = id;
    }
  }
}

/** The colours of values, lit, darker along contours if those belong on the surface. */
function paintSurface(mesh, style) {
  const values = interpolated(mesh.color), lights = interpolated(mesh.light), contour = contours(values, style);
  return {
    prepare(a, b, c, px, py, qx, qy) {
      values.prepare(a, b, c, px, py, qx, qy);
      lights.prepare(a, b, c, px, py, qx, qy);
    },
    pixel(p, q) {
      const value = values.at(p, q), line = style.contours === 'surface' ? contour(value) : 0;
      return lit(colorOf(value, style), lights.at(p, q) * (1 - 0.6 * line));
    },
  };
}

/** Contours alone, in the colours of their values, but brighter, to be seen on dark paper too. */
function paintContours(mesh, style) {
  const values = interpolated(mesh.color), contour = contours(values, style);
  return {
    prepare: values.prepare,
    pixel(p, q) { const value = values.at(p, q); return contour(value) < 0.5 ? 0 : lit(colorOf(value, style), 1.5); },
  };
}

/** What vertices have, between the corners of a triangle, and how much it changes from pixel to pixel. */
function interpolated(values) {
  let first, alongP, alongQ;
  const between = {
    steepness: 0,
    prepare(a, b, c, px, py, qx, qy) {
      first = values[a]; alongP = values[b] - first; alongQ = values[c] - first;
      between.steepness = Math.hypot(px * alongP + qx * alongQ, py * alongP + qy * alongQ);
    },
    at: (p, q) => first + p * alongP + q * alongQ,
  };
  return between;
}

/** How much of a pixel the nearest contour covers, 0 to 1: lines are equally thick on flat and on steep ground. */
function contours(values, {nearest, thickness}) {
  const last = nearest.length - 1;
  return value => {
    if (values.steepness === 0) return 0;
    const pixels = Math.abs(value - nearest[Math.max(0, Math.min(1, value)) * last | 0]) / values.steepness;
    return Math.max(0, Math.min(1, thickness / 2 + 0.5 - pixels));
  };
}

const colorOf = (value, {colors, over}) => value > 1 ? over : colors[Math.max(0, value * (colors.length - 1)) | 0];

function lit(color, light) {
  const red = Math.min(255, (color & 255) * light), green = Math.min(255, (color >> 8 & 255) * light);
  return (0xff000000 | Math.min(255, (color >> 16 & 255) * light) << 16 | green << 8 | red) >>> 0;
}

/** Diagonal stripes on the floor below a hole. */
function hatch({width}, {hole, thickness}) {
  const stripe = k => (k % width + Math.floor(k / width)) % (6 * thickness) < 1.5 * thickness;
  return {prepare() {}, pixel: (p, q, k) => stripe(k) ? hole : 0x30808080};
}

/** Draws a line in space, a little in front of the surface it runs on. */
function segment({width, height, pixels, depth}, {x, y, z}, a, b, color, thickness) {
  const steps = Math.ceil(Math.max(Math.abs(x[b] - x[a]), Math.abs(y[b] - y[a]))) + 1;
  const between = (values, share) => values[a] + share * (values[b] - values[a]);
  for (let s = 0; s <= steps; s++) {
    const left = Math.round(between(x, s / steps)), top = Math.round(between(y, s / steps));
    const far = between(z, s / steps) - 0.03;
    for (let row = Math.max(0, top); row < Math.min(height, top + thickness); row++) {
      for (let column = Math.max(0, left); column < Math.min(width, left + thickness); column++) {
        const k = row * width + column;
        if (far < depth[k]) { depth[k] = far; pixels[k] = color; }
      }
    }
  }
}

/** The vertex nearest to a place on the screen, of the cell that is seen there; -1 where there is none. */
function pick(frame, mesh, {at, below}, right, down) {
  const id = frame.ids[Math.floor(down) * frame.width + Math.floor(right)];
  if (!id) return -1;
  const points = id > 0 ? at : below, a = Math.abs(id) - 1;
  const distance = v => Math.hypot(points.x[v] - right, points.y[v] - down);
  return [a, a + 1, a + mesh.m, a + mesh.m + 1].reduce((best, v) => distance(v) < distance(best) ? v : best);
}
