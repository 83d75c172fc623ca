// A game against a trained player. The moves are held here; the server says what the position is, then what the player thinks.
const part = (id) => document.getElementById(id);
const SHOWN = 6; // moves that it thinks likeliest
const SEEN_MS = 700; // that its thoughts stand before it moves
const AGAIN_MS = 400;

let moves = [];
let side = Number(document.body.dataset.second);
let now = null; // the position
let thought = null; // of it, once it is known
let picked = null; // the field of a piece that is to move
let pending = []; // moves among which a person is to choose, as of a promotion
let hinted = false;
let told = ""; // what it thought of its last move
let serial = 0; // of the newest question: answers to older ones are left

// The side and the moves that the address tells.
function address() {
  const kept = new URLSearchParams(location.hash.slice(1));
  if (kept.has("side")) side = kept.get("side") === "1" ? 1 : 0;
  moves = kept.get("moves") ? kept.get("moves").split(",").map(Number).filter(Number.isInteger) : [];
  part("side").value = String(side);
}
address();

async function ask(what, about) {
  const answer = await fetch(`/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ moves: about }),
  });
  const found = await answer.json();
  if (answer.status === 409) return null;
  if (!answer.ok) throw new Error(found.error);
  return found;
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const named = (action) => now.legal.find((move) => move.action === action);
const mine = () => !now.over && now.mover === side;

async function show() {
  const asked = ++serial;
  [thought, picked, pending, hinted] = [null, null, [], false];
  history.replaceState(null, "", `#side=${side}&moves=${moves.join()}`);
  try {
    const found = await ask("position", moves);
    if (asked !== serial) return;
    now = found;
    trouble("");
    draw();
    if (now.over) return;
    let thinks = null;
    while (!thinks) {
      thinks = await ask("thought", moves);
      if (asked !== serial) return;
      if (!thinks) await wait(AGAIN_MS);
    }
    thought = thinks;
    draw();
    if (mine()) return;
    await wait(SEEN_MS);
    if (asked !== serial) return;
    const first = thought.moves.reduce((one, other) => (other.policy > one.policy ? other : one));
    told = `It played ${named(thought.best).name}: ${of(thought.best)}.`;
    if (first.action !== thought.best) told += ` It plays the best of the moves that its search followed most often; in its last simulations ${first.name} came out better.`;
    moves.push(thought.best);
    show();
  } catch (error) {
    if (asked !== serial) return;
    if (error instanceof TypeError) trouble("Connection lost: sonde play, or the tunnel to it, has ended. Start it again and reload this page.");
    else if (!moves.length) trouble(error.message);
    else {
      moves = [];
      await show();
      trouble(`Those moves cannot be played (${error.message}); a new game was begun.`);
    }
  }
}

const of = (action) => {
  const move = thought.moves.find((one) => one.action === action);
  return `${boards.per_cent(move.prior) || "0"} % by the network alone, ${boards.per_cent(move.policy) || "0"} % after its search`;
};

function play(action) {
  told = thought && part("which").value ? `Of your ${named(action).name} it thought ${of(action)}.` : "";
  moves.push(action);
  show();
}

// The field that was chosen: of the piece that is to move, or to which one moves.
function choose(field) {
  const to = now.legal.filter((move) => reached(move, field) && (move.start == null || move.start === picked));
  if (to.length === 1) return play(to[0].action);
  if (to.length > 1) pending = to;
  else [picked, pending] = [picked === field ? null : field, []];
  draw();
  part(to.length > 1 ? "others" : "board").querySelector(to.length > 1 ? "button" : `[data-field="${field}"]`)?.focus({ preventScroll: true });
}

// A stone that drops can be set by a click anywhere in its column.
const reached = (move, field) =>
  now.board.look === "discs" ? move.to % now.board.columns === field % now.board.columns : move.to === field;

function choices() {
  const found = new Map();
  if (!mine()) return found;
  const fields = now.board.rows * now.board.columns;
  for (const move of now.legal) {
    if (move.to == null) continue;
    if (move.start != null) found.set(move.start, `piece on ${label(move.start)}`);
    else for (let field = 0; field < fields; field++) if (reached(move, field)) found.set(field, move.name);
  }
  for (const move of now.legal) if (move.start != null && move.start === picked) found.set(move.to, move.name);
  return found;
}
const label = (field) => `${"abcdefgh"[field % 8]}${8 - Math.floor(field / 8)}`;

function draw() {
  const which = part("which").value;
  const best = hinted && thought ? named(thought.best) : null;
  boards.draw(part("board"), now.board, now.fields, {
    shares: thought && which ? boards.shares(thought.moves, which, picked) : null,
    last: now.last,
    hint: best,
    picked,
    choices: choices(),
    choose,
    dots: new Set(now.legal.filter((move) => move.start == null || move.start === picked).map((move) => move.to)),
    label: `board, ${moves.length} moves made`,
  });
  part("board").classList.toggle("waits", !now.over && !mine());
  part("status").textContent = status();
  names();
  part("back").disabled = !now.made.some((move) => move.mover === side);
  part("hint").disabled = !mine();
  others(best);
  values();
  thinks(which);
  list();
}

function status() {
  if (now.over) return now.result === 0 ? "A draw" : (now.result > 0) === (side === 0) ? "You won" : "You lost";
  if (!mine()) return "It thinks …";
  const best = hinted && thought ? `; it would play ${named(thought.best).name}` : hinted ? "; it thinks …" : "";
  return `Your move${best}`;
}

// Which pieces the sides have, and where its thoughts stand: a board that is a text has no fields for them.
function names() {
  const pieces = boards.pieces(now.board);
  [...part("side").options].forEach((option, number) => (option.textContent = `${["first", "second"][number]}${pieces ? ` (${pieces[number]})` : ""}`));
  part("where").textContent = now.board.look === "text" ? "Below" : "On the board";
}

const button = (move) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = move.name;
  made.addEventListener("click", () => play(move.action));
  return made;
};

// Moves that no field stands for, among which a promotion's, and all of them as a list.
function others() {
  const open = mine() ? now.legal : [];
  const beside = pending.length ? pending : open.filter((move) => move.to == null);
  part("others").replaceChildren(...beside.map(button));
  part("legal").replaceChildren(...open.map(button));
  part("legal").parentElement.hidden = now.board.look === "text";
}

function values() {
  const sign = side === 0 ? 1 : -1;
  const all = now.over ? [now.result, now.result] : thought?.value;
  ["alone", "searched"].forEach((id, number) => {
    const bar = part(id);
    bar.style.opacity = all ? 1 : 0.5;
    if (!all) return;
    const value = sign * all[number];
    bar.classList.toggle("lost", value < 0);
    bar.querySelector("i").style.cssText = `left: ${50 + 50 * Math.min(0, value)}%; width: ${50 * Math.abs(value)}%`;
    bar.querySelector("b").textContent = boards.signed(value);
  });
}

function thinks(which) {
  part("played").textContent = told;
  const place = part("thinks");
  if (!which || !thought) return place.replaceChildren();
  const rows = [...thought.moves].sort((a, b) => b[which] - a[which]).slice(0, SHOWN);
  const table = document.createElement("table");
  table.className = "thinks";
  const head = table.createTHead().insertRow();
  for (const text of [mine() ? "it would play" : "it plays", "network", "search"]) {
    const cell = document.createElement("th");
    cell.textContent = text;
    if (text === "network" || text === "search") cell.className = "n";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const move of rows) {
    const row = body.insertRow();
    if (move.action === thought.best) row.className = "best";
    row.insertCell().textContent = move.name;
    for (const share of [move.prior, move.policy]) {
      const cell = row.insertCell();
      cell.className = "n";
      cell.textContent = `${boards.per_cent(share) || "0"} %`;
    }
  }
  place.replaceChildren(table);
}

function list() {
  const items = now.made.map(({ name }, number) => {
    const item = document.createElement("li");
    const place = document.createElement("span");
    place.className = "dim";
    place.textContent = `${number + 1}.`;
    item.append(place, name);
    return item;
  });
  part("made").replaceChildren(...items);
  part("made").scrollTop = part("made").scrollHeight;
}

function trouble(text) {
  part("trouble").textContent = text;
  part("trouble").hidden = !text;
}

function begin() {
  [moves, told] = [[], ""];
  show();
}

part("back").addEventListener("click", () => {
  const last = now.made.findLastIndex((move) => move.mover === side);
  if (last < 0) return;
  [moves, told] = [moves.slice(0, last), ""];
  show();
});
part("hint").addEventListener("click", () => {
  hinted = true;
  draw();
});
part("new").addEventListener("click", begin);
part("side").addEventListener("change", () => {
  side = Number(part("side").value);
  begin();
});
part("which").addEventListener("change", () => now && draw());
addEventListener("hashchange", () => {
  address();
  told = "";
  show();
});
show();
