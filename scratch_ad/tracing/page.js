// One position in the list of frames decides what the source, the graph, the table and the sentence show.
const over = label => `<span class="over">${escaped(label)}</span>`;  // an adjoint
const code = html => `<span class="m">${html}</span>`;
const filled = (text, label) => escaped(text).replace(/ḡ/g, over(label));
const bracketed = text => text.startsWith("−") ? `(${text})` : text;
const forward = D.frames.filter(f => f.kind === "forward" || f.way === "forward").length;
const rowOf = {}, inputOf = {}, byPlace = {}, stepOf = {};
reach(D.frames.length - 1);
scale([["forward", forward + .5], ...(D.error ? [] : [["reverse", Math.max(.5, end - forward - .5)]])]);

// The verdict

{
  const verdict = $("#verdict"), ours = D.differences.find(d => d.blamed === "ours"), first = ours || D.differences[0];
  const lead = to => { verdict.classList.add("leads"); verdict.onclick = () => { stop(); show(to); }; };
  if (D.error) {
    verdict.classList.add("bad");
    verdict.textContent = D.error;
    lead(end);
  } else if (first) {
    verdict.classList.toggle("bad", Boolean(ours));
    const who = ours ? "" : first.blamed === D.other ? `, where ${D.other} is wrong` : "";
    verdict.textContent = `First difference${who}: step ${first.step}, ${first.call}: ${first.what}`;
    verdict.title = first.verdict;
    const at = f => f.step === first.step && (first.what.startsWith("contribution") ? f.kind === "edge" : f.kind === "forward");
    lead(Math.max(0, D.frames.findIndex(at)));
  } else if (D.other) verdict.textContent = `✓ all ${D.count} steps agree with ${D.other}`;
  else verdict.hidden = true;
  verdict.disabled = !verdict.onclick;
}

// The source

for (const block of D.sources) {
  const text = make("pre");
  for (const [number, line] of block.lines) {
    const made = make("span", "l");
    made.dataset.at = `${block.key}:${number}`;
    made.append(make("i", "", number), make("span", "text", line || " "));
    text.append(made);
  }
  $("#source").append(make("div", "file", block.file), text);
}
if (!D.sources.length) $("#source").closest("section").hidden = true;

// The table

const table = $("#table");
table.classList.toggle("alone", !D.other);
function line(id, number, call) {
  const row = make("div", "row");
  row.id = id;
  row.append(make("span", "k", number), call);
  for (const what of ["value", "tangent", "adjoint"]) {
    const cell = make("div", `num m ${what}`);
    cell.append(make("span", "lab", what), make("span", "n", NONE));
    row.append(cell);
  }
  if (D.other) {
    const other = make("div", "other m");
    other.dataset.name = D.other;
    row.append(other, make("span", "mark"));
  }
  table.append(row);
  return row;
}
{
  const head = make("div", "row head");
  for (const name of ["", "ours", "value", "tangent v̇", "adjoint v̄", ...(D.other ? [D.other, ""] : [])]) head.append(make("span", "", name));
  table.append(head);
}
for (const input of D.inputs) {
  const call = make("span", "call m", input.outputs[0].label);
  call.append(make("small", "", "  input"));
  inputOf[input.outputs[0].place] = line(`r-${input.node}`, "", call);
  byPlace[input.outputs[0].place] = input;
}
function local(row, edge) {
  if (edge.partial == null) return `${over(edge.label)} gets <b>${filled(edge.filled, row.label)}</b>`;
  const plain = ["1", "-1", edge.partial].includes(edge.filled);
  return `∂${escaped(row.label)}/∂${escaped(edge.label)} = ${plain ? "" : `<b>${escaped(edge.filled)}</b> = `}${escaped(edge.partial)}`;
}
for (const row of D.rows) {
  const fold = D.folds.find(f => f.first === row.step);
  if (fold) folded(fold);
  const call = make("span", "call m", `${row.label} = ${row.text}`);
  if (row.via) call.append(make("span", "tag", row.via));
  if (!row.outputs.length && row.value !== NONE) call.append(make("span", "tag", "no derivative"));
  const made = rowOf[row.step] = line(`r-s${row.step}`, row.step, call);
  stepOf[row.step] = row;
  for (const y of row.outputs) byPlace[y.place] = row;
  if (D.other) {
    const other = $(".other", made);
    for (const operation of row.operations) {
      const text = make("div", "", operation.text);
      if (operation.full) text.title = operation.full;
      if (!operation.last) {
        const numbers = make("small", "between");
        Object.assign(numbers.dataset, { value: operation.value, tangent: operation.tangent, adjoint: operation.adjoint });
        text.append(numbers);
      }
      other.append(text);
    }
    if (row.note) other.append(make("small", "", row.note));
  }
  const parts = make("div", "parts");
  for (const edge of row.edges) {
    const part = make("div", edge.theirs == null ? "part m" : "part m no");
    part.innerHTML = local(row, edge);
    if (edge.summed) part.append(make("span", "tag", edge.summed));
    part.title = `rule: ${edge.formula}`;
    parts.append(part);
  }
  if (row.edges.length) made.append(parts);
  made.classList.toggle("wrong", row.wrong);
  if (row.fold != null) {
    made.hidden = true;
    made.dataset.fold = row.fold;
  }
}
for (const fold of D.folds) if (!fold.kept) folded(fold);
function folded(fold) {
  const row = make("div", "row fold"), count = fold.last - fold.first + 1;
  const what = fold.rounds ? `${fold.rounds} more rounds of ${count / fold.rounds} steps` : `${count} more steps`;
  row.id = `r-f${fold.first}`;
  if (fold.kept) {
    const button = make("button", "", `▸ show ${what}`);
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.onclick = () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", open);
      button.textContent = (open ? "▾ hide " : "▸ show ") + what;
      $$(`[data-fold="${fold.first}"]`).forEach(one => { one.hidden = !open; });
    };
    row.append(button);
    table.append(row);
  } else {
    row.append(make("p", "", `⋯ ${what}, v${fold.first} … v${fold.last}`));
    const after = D.rows.find(r => r.step > fold.last);
    table.insertBefore(row, after ? rowOf[after.step] : null);
  }
}

// What a cell shows: a number, which opens if there is more of it; how far its sum has come; what the other has

function put(cell, text, whole, theirs, partly) {
  const shown = $(".n", cell), state = [text, theirs, partly].join("|");
  if (shown.dataset.state === state) return;
  shown.dataset.state = state;
  shown.textContent = "";
  $$("pre", cell).forEach(one => one.remove());
  if (whole && text !== NONE && !partly) {
    const button = make("button", "", text);
    button.type = "button";
    button.title = "show all of it";
    button.onclick = () => { const open = $("pre", cell); open ? open.remove() : cell.append(make("pre", "", whole)); };
    shown.append(button);
  } else shown.textContent = text;
  if (partly) shown.append(make("span", "sofar", " …so far"));
  if (theirs != null && text !== NONE && !partly) shown.append(make("span", "theirs", `${D.other} ${theirs}`));
}
const together = texts => texts.length === 1 ? texts[0] : texts.length ? `(${texts.join(", ")})` : NONE;

function fill(element, thing, known, arrived, over) {
  element.classList.toggle("off", !known);
  const [value, tangent, adjoint] = $$(".num", element), outputs = thing.outputs, one = outputs.length === 1 ? outputs[0] : null;
  put(value, known ? (one ? one.said.value : thing.value) : NONE, one ? one.full.value : thing.whole, thing.differs.value);
  put(tangent, known ? together(outputs.map(y => y.said.tangent)) : NONE, one && one.full.tangent, thing.differs.tangent);
  const of = y => arrived[y.place] || {}, done = y => over || of(y).done;
  const texts = outputs.map(y => done(y) && !D.error ? y.said.adjoint : of(y).text || NONE);
  const complete = outputs.every(y => done(y) || !of(y).text);
  put(adjoint, texts.every(text => text === NONE) ? NONE : together(texts), one && one.full.adjoint, thing.differs.adjoint, !complete);
  const box = document.getElementById(`n-${thing.node}`);
  if (box && !box.classList.contains("fold")) {
    box.classList.toggle("off", !known);
    const boxed = what => one ? one.boxed[what] : what === "value" ? thing.boxed : "";
    $(".value", box).textContent = known ? boxed("value") : NONE;
    $(".tangent", box).textContent = known ? boxed("tangent").replace(NONE, "") : NONE;
    const text = one && of(one).text;
    $(".adjoint", box).textContent = !one ? "" : done(one) && !D.error ? boxed("adjoint") : !text ? NONE : text.length > 11 ? "…" : `${text}…`;
  }
  if (!D.other) return;
  const wrong = Object.keys(thing.differs).some(what => what !== "adjoint" || complete && outputs.some(y => done(y)));
  const guilty = thing.wrong && (wrong || over || now > forward);
  $(".mark", element).innerHTML = !known || !thing.operations || !thing.operations.length ? "" :
    guilty ? '<span class="no" title="a difference begins here">≠</span>' :
    wrong ? '<span class="follows" title="differs because another step does">≠</span>' : '<span class="ok" title="as the other has it">✓</span>';
  for (const numbers of $$(".between", element)) {
    const { value, tangent, adjoint } = numbers.dataset;
    numbers.textContent = !known ? "" : `= ${value}` + (tangent === NONE ? "" : `, tangent ${tangent}`) +
      (adjoint !== NONE && outputs.some(y => of(y).text) ? `, adjoint ${adjoint}` : "");
  }
}

// The sentence

function sentence(frame) {
  if (frame.kind === "start") {
    const some = D.inputs.slice(0, 3).map(x => x.outputs[0]);
    return "The inputs are known, and the direction in which they move: " + some.map(x =>
      `${code(escaped(`${x.label} = ${x.said.value}`))} moving by ${code(escaped(x.said.tangent))}`).join("; ") + (D.inputs.length > 3 ? " …" : "");
  }
  if (frame.kind === "forward") {
    const row = stepOf[frame.step], failed = D.failed && frame === D.frames[end];
    const head = `<b class="t">forward</b> ${code(escaped(`${row.label} = ${row.text}${failed ? "" : ` = ${row.value}`}`))}`;
    if (failed) return `${head}<br><b class="no">${escaped(D.error)}</b>`;
    if (!row.outputs.length) return `${head}<br><small>No derivative passes: an integer, a truth value, or a constant.</small>`;
    const single = row.edges.length && row.edges.every(e => e.scalar) && !row.tangent.includes("[");
    const sum = single ? row.edges.map(e => `${e.partial}·${bracketed(e.tangent)}`).join(" + ") + " = " : "";
    return `${head}<br>tangent: ${code(escaped(sum + row.tangent))}` +
      (single ? " <small>each argument’s tangent times the local derivative</small>" : "");
  }
  if (frame.kind === "skip") {
    const forward = frame.way === "forward", ends = [`v${frame.first}`, `v${frame.last}`], [from, to] = forward ? ends : ends.reverse();
    return `<b class="${forward ? "t" : "a"}">${frame.way}</b> The steps from ${code(from)} to ${code(to)}, more than this page has room for.`;
  }
  const label = labelOf(frame.place);
  if (frame.kind === "seed") return `<b class="a">reverse</b> The way back begins at the result: ${code(`${over(label)} = ${escaped(frame.adjoint)}`)}<br><small>how much the result changes with itself</small>`;
  if (frame.kind === "add") return `<b class="a">fan-out</b> ${code(escaped(label))} is used more than once, so what comes back adds up:<br>${code(`${over(label)} = ${escaped(`${frame.held} + ${bracketed(frame.new)} = ${frame.adjoint}`)}`)}`;
  if (frame.kind === "edge") {
    const row = stepOf[frame.step], edge = row.edges[frame.edge];
    let said = `<b class="a">reverse</b> ${code(escaped(`${row.label} = ${row.text}`))} gives back to ${code(escaped(label))}: `;
    said += edge.partial == null ? code(`${filled(edge.filled, row.label)} = ${escaped(edge.contribution)}`) :
      code(`${over(row.label)} · ∂${escaped(row.label)}/∂${escaped(label)} = ${escaped(`${edge.arriving} · ${bracketed(edge.partial)} = ${edge.contribution}`)}`);
    if (edge.summed) said += ` <small>${escaped(edge.summed)}: the transpose of broadcasting</small>`;
    if (edge.theirs != null) return `${said}<br><b class="no">${D.other} has ${escaped(edge.theirs)} here</b> <small>our rule: ${escaped(edge.formula)}</small>`;
    if (edge.partial != null && edge.formula !== "1") said += `<br><small>${code(local(row, edge))}, from the rule’s source</small>`;
    return said;
  }
  const some = D.inputs.slice(0, 4).map(x => x.outputs[0]);
  const verdict = !D.other ? "" : D.differences.some(d => d.blamed === "ours") ? `It differs from ${D.other}’s.` :
    D.differences.length ? `It differs from ${D.other}’s, and the referee does not find us wrong.` : `The same as ${D.other}’s, within rounding.`;
  return "The gradient: " + some.map(x => code(`${over(x.label)} = ${escaped(x.said.adjoint)}`)).join("; ") +
    (D.inputs.length > 4 ? " …" : "") + `<br><small>${escaped(verdict)}</small>`;
}
function labelOf(place) {
  const thing = byPlace[place], y = thing && thing.outputs.find(y => y.place === place);
  return y ? y.label : "…";
}

// One frame

function show(position, moving = true) {
  now = Math.max(0, Math.min(end, position));
  const frame = D.frames[now], arrived = {}, known = new Set();
  for (const f of D.frames.slice(0, now + 1).flatMap(f => f.arrived || f)) {
    if (f.kind === "forward") known.add(f.step);
    if (f.adjoint == null && !f.done) continue;
    const at = arrived[f.place] = arrived[f.place] || {};
    if (f.adjoint != null) at.text = f.adjoint;
    if (f.done) at.done = true;
  }
  const over = frame.kind === "end";
  $("#position").value = now;
  $("#bar").classList.toggle("forward", now <= forward);
  $("#say").innerHTML = sentence(frame);
  $("#position").setAttribute("aria-valuetext", $("#say").textContent);
  for (const input of D.inputs) fill(inputOf[input.outputs[0].place], input, true, arrived, over);
  for (const row of D.rows) fill(rowOf[row.step], row, known.has(row.step), arrived, over);
  $$(".now").forEach(one => one.classList.remove("now", "t", "a"));
  const colour = frame.kind === "forward" || frame.way === "forward" ? "t" : "a";
  const light = one => one && one.classList.add("now", colour);
  let thing = null, source = null;
  if (frame.kind === "forward") {
    thing = source = stepOf[frame.step];
    $$(`.edge[data-to="${thing.node}"]`).forEach(light);
  } else if (frame.place != null) {
    thing = byPlace[frame.place];
    source = frame.kind === "edge" ? stepOf[frame.step] : thing;
    if (frame.kind === "edge") {
      light(document.getElementById(`n-${source.node}`));
      $$(`.edge[data-from="${thing.node}"][data-to="${source.node}"]`).forEach(light);
    }
  }
  let box = thing && document.getElementById(`n-${thing.node}`);
  const told = frame.kind === "edge" ? source : thing;
  let row = told && (told.step ? rowOf[told.step] : inputOf[told.outputs[0].place]);
  if (row && row.hidden) row = document.getElementById(`r-f${row.dataset.fold}`);
  if (frame.kind === "skip") {
    const fold = D.folds.find(f => f.first >= frame.first && f.last <= frame.last);
    [box, row] = ["n", "r"].map(of => document.getElementById(`${of}-f${fold.first}`));
  }
  light(box);
  light(row);
  highlight(source);
  if (moving) {
    into($("#graph"), box);
    if (innerWidth > 900) into(table, row);
  }
}
function highlight(step) {
  for (const old of $$("#source .on")) {
    old.classList.remove("on");
    $(".text", old).textContent = $(".text", old).textContent;
  }
  const found = step && step.source && $(`#source .l[data-at="${step.source[0]}:${step.source[1]}"]`);
  if (!found) return;
  found.classList.add("on");
  const columns = step.source[2], text = $(".text", found), whole = text.textContent;
  if (columns && columns[1] <= whole.length) {
    const marked = make("mark", "", whole.slice(...columns));
    text.replaceChildren(whole.slice(0, columns[0]), marked, whole.slice(columns[1]));
    $("#source").scrollLeft = 0;
    into($("#source"), marked, .3);
  } else into($("#source"), found, 0);
}
function into(box, one, share = 1) {  // so that at least this share of the box's width shows it
  if (!one) return;
  const outer = box.getBoundingClientRect(), inner = one.getBoundingClientRect();
  if (inner.top < outer.top + 34 || inner.bottom > outer.bottom - 8) box.scrollTop += inner.top - outer.top - outer.height * .4;
  const right = Math.min(inner.right, inner.left + outer.width * share);
  if (inner.left < outer.left + 8 || right > outer.right - 8) box.scrollLeft += inner.left - outer.left - outer.width * .3;
}

// What a box says when one points at it

const tip = $("#tip");
const hide = leave = () => { tip.hidden = true; };
function tell(box) {
  const row = D.rows.find(r => r.node === box.id.slice(2)), fold = box.classList.contains("fold");
  if (!row || fold) return hide();
  const lines = row.edges.map(e => `<div class="m">${local(row, e)}<br><small>rule: ${escaped(e.formula)}</small></div>`);
  tip.innerHTML = `<div class="m"><b>${escaped(`${row.label} = ${row.text}`)}</b></div>` + (lines.join("") || "<div><small>No derivative comes back through it.</small></div>");
  tip.hidden = false;
  const at = box.getBoundingClientRect(), width = tip.offsetWidth;
  const below = at.bottom + 8 + tip.offsetHeight < innerHeight ? at.bottom + 8 : Math.max(8, at.top - tip.offsetHeight - 8);
  tip.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - width - 8)) + scrollX}px`;
  tip.style.top = `${below + scrollY}px`;
}
for (const box of $$(".node")) {
  box.setAttribute("tabindex", "0");
  box.addEventListener("pointerenter", () => tell(box));
  box.addEventListener("focus", () => tell(box));
  box.addEventListener("pointerleave", event => { if (event.pointerType !== "touch") hide(); });
  box.addEventListener("blur", hide);
  box.addEventListener("click", () => {
    const row = document.getElementById(`r-${box.id.slice(2)}`);
    if (row && innerWidth > 900) into(table, row);
    tell(box);
  });
}
document.addEventListener("pointerdown", event => { if (!event.target.closest(".node")) hide(); });
{
  const graph = $("#graph"), drawing = $("svg", graph);
  graph.classList.toggle("wide", drawing.width.baseVal.value > graph.clientWidth * 1.5);
}
const wanted = location.hash.slice(1);
show(wanted === "end" || D.error ? end : /^\d+$/.test(wanted) ? +wanted : 0);
