// Enlarge a picture: by a click, or by Enter or the space bar where it is focused; Esc or a click closes, arrows lead to the next.
const seen = document.createElement("dialog");
seen.className = "large-view";
seen.innerHTML = '<form method="dialog"><button aria-label="close">close (Esc)</button></form><div></div><p></p>';
document.body.append(seen);
const pictures = [...document.querySelectorAll("button.enlarge")];
let at = 0;
const show = (place) => {
  at = place;
  const button = pictures[place];
  seen.querySelector("div").replaceChildren(...[...button.childNodes].map((part) => part.cloneNode(true)));
  const told = button.parentElement.querySelector(".pair");
  seen.querySelector("p").textContent = told ? [...told.children].map((one) => [...one.children].map((part) => part.textContent.trim()).join(": ")).join("   ") : "";
};
pictures.forEach((button, place) => button.addEventListener("click", () => { show(place); seen.showModal(); }));
seen.addEventListener("click", () => seen.close());
seen.addEventListener("close", () => pictures[at].focus());
seen.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  let next = at + step;
  while (pictures[next] && !pictures[next].offsetParent) next += step;
  if (pictures[next]) show(next);
});
