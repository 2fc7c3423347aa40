// f runs here by three methods, each of which notes its passes; one position shows as many of them as it says.
const METHODS = ["numerical", "forward", "reverse"], H = 1e-7, SVG = "http://www.w3.org/2000/svg";
const dot = (a, b) => a.reduce((sum, x, k) => sum + x * b[k], 0);
const range = count => [...Array(count).keys()];
const digits = k => String(k + 1).replace(/\d/g, d => "₀₁₂₃₄₅₆₇₈₉"[d]);
const said = x => x.toFixed(2).replace("-", "−");
const unit = (count, k) => range(count).map(i => +(i === k));
let n, m, A, B, p, calls, runs;

function f(p, t = null) {  // the value, and with a tangent t its tangent: a call either way
  calls += 1;
  const h = A.map(row => Math.tanh(dot(row, p)));
  const dh = t && A.map((row, k) => dot(row, t) * (1 - h[k] ** 2));
  return { h, y: B.map(row => dot(row, h)), dy: dh && B.map(row => dot(row, dh)) };
}
function back(h, g) {  // from the kept h: no call of f
  const gh = h.map((x, k) => B.reduce((sum, row, j) => sum + row[k] * g[j], 0) * (1 - x ** 2));
  return range(n).map(i => A.reduce((sum, row, k) => sum + row[i] * gh[k], 0));
}

// A pass: what is set where, what it fills of the Jacobian, the calls and passes back up to it

const RUN = {
  numerical(note) {
    const y = f(p).y;
    note({ text: "f(p), from which all differences are taken" });
    for (const k of range(n)) {
      const moved = f(p.map((x, i) => x + H * (i === k))).y;
      note({ input: k, label: `p${digits(k)} + h`, column: k, fills: moved.map((x, j) => (x - y[j]) / H),
        text: `f once more, with p${digits(k)} + h: the quotients are column ${k + 1}` });
    }
  },
  forward(note) {
    for (const k of range(n)) note({ input: k, label: `ṗ${digits(k)} = 1`, column: k, fills: f(p, unit(n, k)).dy,
      text: `f with the tangent ṗ${digits(k)} = 1, all others 0: column ${k + 1} comes out beside the value` });
  },
  reverse(note) {
    const { h } = f(p);
    note({ text: "f(p), whose values on the way are kept" });
    for (const j of range(m)) note({ output: j, label: `f̄${digits(j)} = 1`, row: j, fills: back(h, unit(m, j)), isBack: true,
      text: `back through what was kept, from f̄${digits(j)} = 1: row ${j + 1}` });
  },
};

function change() {
  stop();
  n = +$("#inputs").value;
  m = +$("#outputs").value;
  $$(".choices output").forEach((one, k) => { one.textContent = [n, m][k]; });
  A = D.A.map(row => row.slice(0, n));
  B = D.B.slice(0, m);
  p = D.p.slice(0, n);
  runs = {};
  for (const method of METHODS) {
    const passes = [];
    let backs = 0;
    calls = 0;
    RUN[method](pass => { backs += Boolean(pass.isBack); passes.push({ ...pass, calls, backs }); });
    runs[method] = passes;
  }
  reach(Math.max(...METHODS.map(method => runs[method].length)));
  scale([["passes", 1]]);
  METHODS.forEach(draw);
  charts();
  show(Math.min(now, end), false);
}

// The boxes

function shape(tag, attributes, parent, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text != null) made.textContent = text;
  parent.append(made);
  return made;
}
for (const method of METHODS) {
  const panel = make("section", "panel");
  panel.id = method;
  panel.append(make("h2", "", { numerical: "Numerical", forward: "Forward mode", reverse: "Reverse mode" }[method]), make("p"), make("div", "picture"), make("div", "counts"), make("table"));
  $("main").append(panel);
}
function draw(method) {
  const high = 30 * Math.max(n, m, 3), box = shape("svg", { viewBox: `0 0 320 ${high}`, class: "box", role: "img", "aria-label": `f with ${n} inputs and ${m} outputs` }, make("div"));
  const place = (count, k) => high / 2 + 28 * (k - (count - 1) / 2);
  for (const [side, count, x, end] of [["in", n, 88, 130], ["out", m, 232, 190]]) for (const k of range(count)) {
    const group = shape("g", { "data-at": side + k }, box);
    shape("line", { x1: x, y1: place(count, k), x2: end, y2: high / 2 }, group);
    shape("circle", { cx: x, cy: place(count, k), r: 7 }, group);
    shape("text", { x: side === "in" ? x - 14 : x + 14, y: place(count, k), "font-size": 13, "text-anchor": side === "in" ? "end" : "start" }, group);
  }
  shape("path", { d: `M125 ${high / 2} l18 -30 h34 l18 30 l-18 30 h-34 z` }, box);
  shape("text", { x: 160, y: high / 2, "font-size": 17, "text-anchor": "middle" }, box, "f(p)");
  $(`#${method} .picture`).replaceChildren(box);
  const table = $(`#${method} table`), body = make("tbody");
  table.replaceChildren(make("caption"), body);
  for (const j of range(m)) {
    const row = make("tr");
    for (const i of range(n)) {
      const cell = make("td", "none m", NONE);
      cell.title = `∂f${digits(j)}/∂p${digits(i)}`;
      row.append(cell);
    }
    body.append(row);
  }
}

// One position

function show(position) {
  now = Math.max(0, Math.min(end, position));
  $("#position").value = now;
  METHODS.forEach(step);
  const told = METHODS.map(method => {
    const at = runs[method][Math.min(now, runs[method].length) - 1] || { calls: 0, backs: 0 }, over = now >= runs[method].length;
    return `${method} ${over ? "has it all after " : ""}<b class="m">${at.calls}</b>${method === "reverse" ? ` + <b class="m">${at.backs}</b> back` : ""}`;
  });
  $("#say").innerHTML = `Evaluations of f: ${told.join("; ")}.<br><small>The Jacobian has ${m} × ${n} elements. Numerical: n + 1 = ${n + 1}; forward: n = ${n}; reverse: 1, and m = ${m} passes back.</small>`;
  $("#position").setAttribute("aria-valuetext", $("#say").textContent);
}
function step(method) {
  const passes = runs[method].slice(0, now), panel = $(`#${method}`), over = now > passes.length, last = passes.at(-1);
  const on = over || !last ? {} : last, cells = $$("tr", panel).map(row => $$("td", row)), found = [];
  $("p", panel).textContent = over ? "Done." : last ? last.text : "Nothing is known yet.";
  const count = (n, one, more) => `<span><b>${n}</b>${n === 1 ? one : more}</span>`;
  $(".counts", panel).innerHTML = count(last ? last.calls : 0, "evaluation of f", "evaluations of f") +
    (method === "reverse" ? count(last ? last.backs : 0, "pass back", "passes back") : "");
  cells.flat().forEach(cell => { cell.className = "none m"; cell.textContent = NONE; });
  for (const pass of passes) (pass.fills || []).forEach((x, k) => {
    const [j, i] = pass.row == null ? [k, pass.column] : [pass.row, k], cell = cells[j][i];
    cell.className = pass === on ? "now m" : "m";
    cell.textContent = said(x);
    found.push(Math.abs(x - exact(j, i)));
  });
  const off = found.length ? Math.max(...found) : 0;
  $("caption", panel).textContent = `Jacobian: ${found.length} of ${n * m}` + (off > 1e-12 ? `, off by ${off.toExponential(0).replace("e-", "·10⁻").replace(/⁻(\d+)/, (_, d) => "⁻" + [...d].map(x => "⁰¹²³⁴⁵⁶⁷⁸⁹"[x]).join(""))} at most` : "");
  for (const group of $$("[data-at]", panel)) {
    const side = group.dataset.at.startsWith("in") ? "in" : "out", k = +group.dataset.at.slice(side.length);
    const set = side === "in" ? on.input === k : on.output === k;
    const comes = side === "in" ? on.row : on.column;
    group.classList.toggle("on", set);
    $("text", group).textContent = set ? on.label : comes == null ? `${side === "in" ? "p" : "f"}${digits(k)}` :
      side === "in" ? `∂f${digits(comes)}/∂p${digits(k)}` : `∂f${digits(k)}/∂p${digits(comes)}`;
  }
}
function exact(j, i) {
  const pass = runs.reverse.find(pass => pass.row === j);
  return pass.fills[i];
}

// The curves

function charts() {
  const place = $(".charts");
  if (!place) return;
  const measure = $("#measure").value;
  place.replaceChildren(chart(measure, "n", n, "inputs n, one output"), chart(measure, "m", m, "outputs m, one input"));
  const one = method => +D.measured.find(row => row.method === method && row.n === 1 && row.m === 1)[measure].toPrecision(3);
  $("#one").textContent = `One input and one output: numerical ${one("numerical")}, forward ${one("forward")}, reverse ${one("reverse")} times an evaluation.`;
}
function chart(measure, free, at, title) {
  const panel = make("div", "panel"), wide = 360, high = 250, left = 52, foot = 34, most = Math.max(...D.measured.map(row => row[free]));
  const top = Math.max(...D.measured.map(row => row[measure])), svg = shape("svg", { viewBox: `0 0 ${wide} ${high}`, class: "chart", role: "img", "aria-label": `${measure} against ${title}` }, panel);
  const x = v => left + 6 + (wide - left - 20) * Math.log(v) / Math.log(most), y = v => high - foot - 6 - (high - foot - 20) * Math.log(v) / Math.log(top * 1.3);
  for (let v = 1; v <= top * 1.3; v *= 10) {
    shape("line", { x1: left, x2: wide, y1: y(v), y2: y(v), class: "grid" }, svg);
    shape("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, svg, v.toLocaleString("en"));
  }
  for (let v = 1; v <= most; v *= 10) shape("text", { x: x(v), y: high - foot + 14, "text-anchor": v === most ? "end" : "middle" }, svg, v.toLocaleString("en"));
  shape("text", { x: (wide + left) / 2, y: high - 4, "text-anchor": "middle" }, svg, title);
  const line = (points, name) => shape("polyline", { points: points.map(([a, b]) => `${x(a).toFixed(1)},${y(Math.max(1, b)).toFixed(1)}`).join(" "), class: name, fill: "none" }, svg);
  line(range(25).map(k => most ** (k / 24)).map(v => [v, v + 1]), "theory");
  for (const method of METHODS) {
    const rows = D.measured.filter(row => row.method === method && row[free === "n" ? "m" : "n"] === 1);
    line(rows.map(row => [row[free], row[measure]]), method);
    for (const row of rows) shape("circle", { cx: x(row[free]), cy: y(Math.max(1, row[measure])), r: 3.5, class: method }, svg);
  }
  shape("line", { x1: x(at), x2: x(at), y1: 8, y2: high - foot, class: "at" }, svg);
  return panel;
}
if ($("#key")) {
  for (const method of METHODS) {
    const key = make("span", "key", method), svg = shape("svg", { viewBox: "0 0 26 8" }, key);
    shape("line", { x1: 0, x2: 26, y1: 4, y2: 4, "stroke-width": 3, class: method }, svg);
    $("#key").append(key);
  }
  $("#measure").onchange = charts;
}

$$(".choices input").forEach(input => { input.oninput = change; });
change();
show(location.hash === "#end" ? end : +location.hash.slice(1) || 0);
