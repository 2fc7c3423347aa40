// What the pages that walk share: play, one step, back, the slider, keys, the theme. A page has show(position, moving),
// which sets `now`, and calls reach(last) and scale(parts).
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const NONE = "—", TIME = 1100;
function make(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text != null) made.textContent = text;
  return made;
}
const escaped = text => String(text).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
let now = 0, end = 0, timer = 0, leave = () => {};

function reach(last) {
  end = last;
  $("#position").max = last;
}
function scale(parts) {  // what the parts of the slider are called, and how long they are
  $("#scale").replaceChildren(...parts.map(([name, length]) => {
    const part = make("i", "", name);
    part.style.flex = length;
    return part;
  }));
}
function stop() {
  clearInterval(timer);
  timer = 0;
  $("#play").textContent = "▶";
  $("#play").setAttribute("aria-label", "play");
}
function play() {
  if (timer) return stop();
  if (now === end) show(0);
  $("#play").textContent = "❚❚";
  $("#play").setAttribute("aria-label", "pause");
  timer = setInterval(() => { if (now < end) show(now + 1); if (now === end) stop(); }, TIME);
}
const go = to => { stop(); leave(); show(to); };
$("#back").onclick = () => go(now - 1);
$("#next").onclick = () => go(now + 1);
$("#play").onclick = play;
$("#position").oninput = event => go(+event.target.value);
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not(#position), select")) return;
  const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: end }[event.key];
  if (to != null) go(to);
  else if (event.key === "Escape") return leave();
  else if (event.key !== " " || event.target.tagName === "BUTTON") return;
  else play();
  event.preventDefault();
});
$("#theme").onclick = () => {
  const root = document.documentElement.classList;
  const dark = root.contains("dark") || !root.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches;
  root.toggle("dark", !dark);
  root.toggle("light", dark);
};
addEventListener("beforeprint", () => { stop(); show(end, false); });
