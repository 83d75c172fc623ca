// Boards of games as pictures: fields, pieces, what a player thinks of each field, and which fields can be chosen. A position is
// a text of fields from the top left, one character each (acting/self_play/games/boards.py).
const boards = (() => {
  const SIDE = 48; // of a field
  const SPACE = "http://www.w3.org/2000/svg";
  const PIECES = { k: "♚", q: "♛", r: "♜", b: "♝", n: "♞", p: "♟" };
  const LETTERS = "abcdefghijklmnopqrstuvwxyz";
  const GO_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"; // without I, as Go has it
  const CROSSINGS = ["go", "gomoku"]; // whose stones stand where lines cross

  const node = (name, attributes, parent, text) => {
    const made = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent?.append(made);
    return made;
  };

  // Where fields lie: the middle of each, the size of the whole, and the text at the edges.
  const plan = ({ look, rows, columns }) => {
    const hex = look === "hex";
    const edge = look === "noughts" ? 6 : 24;
    const [wide, high] = hex ? [SIDE, SIDE * 0.866] : [SIDE, SIDE];
    const middle = (field) => {
      const [row, column] = [Math.floor(field / columns), field % columns];
      return [edge + wide / 2 + column * wide + (hex ? (row * wide) / 2 : 0), edge + SIDE / 2 + row * high];
    };
    const width = 2 * edge + columns * wide + (hex ? ((rows - 1) * wide) / 2 : 0);
    const height = 2 * edge + (rows - 1) * high + SIDE;
    const letters = look === "go" ? GO_LETTERS : LETTERS;
    const counted = ["discs", "gomoku"].includes(look); // from 0, as the moves are called
    const across = (column) => (counted ? String(column) : letters[column]);
    const down = (row) => (look === "discs" ? "" : String(counted ? row : ["othello", "hex"].includes(look) ? row + 1 : rows - row));
    return { middle, width, height, edge, across, down };
  };

  const corners = (x, y) => {
    const far = SIDE / Math.sqrt(3);
    return [30, 90, 150, 210, 270, 330].map((turn) => {
      const angle = (turn * Math.PI) / 180;
      return [x + far * Math.cos(angle), y + far * Math.sin(angle)];
    });
  };

  const ground = (svg, board, place) => {
    const { look, rows, columns } = board;
    if (CROSSINGS.includes(look)) node("rect", { class: "wood", x: place.edge, y: place.edge, width: columns * SIDE, height: rows * SIDE, rx: 4 }, svg);
    for (let field = 0; field < rows * columns; field++) {
      const [x, y] = place.middle(field);
      const [row, column] = [Math.floor(field / columns), field % columns];
      const box = { x: x - SIDE / 2, y: y - SIDE / 2, width: SIDE, height: SIDE };
      if (look === "hex") {
        node("polygon", { class: "field", points: corners(x, y).map((point) => point.join()).join(" ") }, svg);
      } else if (CROSSINGS.includes(look)) {
        node("path", { class: "line", d: `M${column ? x - SIDE / 2 : x} ${y}H${column < columns - 1 ? x + SIDE / 2 : x}` }, svg);
        node("path", { class: "line", d: `M${x} ${row ? y - SIDE / 2 : y}V${row < rows - 1 ? y + SIDE / 2 : y}` }, svg);
      } else {
        node("rect", { class: look === "chess" && (row + column) % 2 ? "field dark" : "field", ...box }, svg);
        if (look === "discs") node("circle", { class: "hole", cx: x, cy: y, r: SIDE * 0.4 }, svg);
      }
    }
    if (look === "hex") goals(svg, board, place);
  };

  // The edges that each side of hex joins: who began those above and below, the other those at the sides.
  const goals = (svg, { rows, columns }, place) => {
    const along = (fields, picked) => {
      const points = fields.flatMap((field) => picked.map((corner) => corners(...place.middle(field))[corner]));
      return `M${points.map((point) => point.join(" ")).join("L")}`;
    };
    const row = (number) => Array.from({ length: columns }, (_, column) => number * columns + column);
    const column = (number) => Array.from({ length: rows }, (_, line) => line * columns + number);
    node("path", { class: "goal x", d: along(row(0), [3, 4, 5]) }, svg);
    node("path", { class: "goal x", d: along(row(rows - 1), [2, 1, 0]) }, svg);
    node("path", { class: "goal o", d: along(column(0), [3, 2, 1]) }, svg);
    node("path", { class: "goal o", d: along(column(columns - 1), [5, 0]) }, svg);
  };

  const edges = (svg, board, place) => {
    if (board.look === "noughts") return;
    for (let column = 0; column < board.columns; column++) {
      const [x] = place.middle(column);
      const low = place.middle((board.rows - 1) * board.columns + column)[0];
      if (board.look === "hex") node("text", { class: "edge", x: x - 6, y: 13 }, svg, place.across(column));
      else node("text", { class: "edge", x: low, y: place.height - 7 }, svg, place.across(column));
    }
    for (let row = 0; row < board.rows; row++) {
      const [x, y] = place.middle(row * board.columns);
      node("text", { class: "edge", x: x - SIDE / 2 - 12, y: y + 4 }, svg, place.down(row));
    }
  };

  const piece = (svg, look, what, x, y) => {
    if (look === "noughts" && what === "x") {
      const d = SIDE * 0.27;
      node("path", { class: "nought x", d: `M${x - d} ${y - d}L${x + d} ${y + d}M${x + d} ${y - d}L${x - d} ${y + d}` }, svg);
    } else if (look === "noughts") {
      node("circle", { class: "nought o", cx: x, cy: y, r: SIDE * 0.29 }, svg);
    } else if (look === "chess") {
      const side = what === what.toUpperCase() ? "white" : "black";
      node("text", { class: `man ${side}`, x, y: y + SIDE * 0.29 }, svg, PIECES[what.toLowerCase()] + "\ufe0e");
    } else {
      node("circle", { class: `stone ${look} ${what}`, cx: x, cy: y, r: SIDE * (look === "hex" ? 0.36 : 0.41) }, svg);
    }
  };

  const signed = (number) => (Number(number.toFixed(2)) < 0 ? number.toFixed(2) : `+${Math.abs(number).toFixed(2)}`);
  const per_cent = (share) => (share >= 0.095 ? String(Math.round(100 * share)) : share >= 0.005 ? (100 * share).toFixed(1).replace(/\.0$/, "") : "");

  // How much a player thinks of a field: the darker, and the number below a piece that stands there.
  const heat = (svg, { look }, share, taken, x, y) => {
    const strength = (0.1 + 0.75 * Math.sqrt(share)).toFixed(3);
    if (look === "hex") node("polygon", { class: "heat", points: corners(x, y).map((point) => point.join()).join(" "), "fill-opacity": strength }, svg);
    else if (look === "discs" || CROSSINGS.includes(look)) node("circle", { class: "heat", cx: x, cy: y, r: SIDE * 0.4, "fill-opacity": strength }, svg);
    else node("rect", { class: "heat", x: x - SIDE / 2 + 1, y: y - SIDE / 2 + 1, width: SIDE - 2, height: SIDE - 2, "fill-opacity": strength }, svg);
    return () => node("text", { class: taken ? "share small" : "share", x, y: y + (taken ? SIDE * 0.46 : 5) }, svg, per_cent(share));
  };

  const arrow = (svg, kind, from, to) => {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const far = Math.hypot(dx, dy);
    const [ux, uy] = [dx / far, dy / far];
    const tip = [to[0] - 8 * ux, to[1] - 8 * uy];
    const side = (turn) => `${tip[0] - 12 * ux + turn * 7 * uy} ${tip[1] - 12 * uy - turn * 7 * ux}`;
    node("path", { class: `arrow ${kind}`, d: `M${from[0]} ${from[1]}L${tip[0]} ${tip[1]}M${side(1)}L${tip[0]} ${tip[1]}L${side(-1)}` }, svg);
  };

  // Draw a position into an element. shown: {shares: Map field -> share, last: {to, start}, hint: {to, start}, picked: field,
  // choices: Map field -> what it is called, choose: field -> (), dots: Set of fields that moves are made on, label: what the picture shows}
  const draw = (host, board, fields, shown = {}) => {
    host.replaceChildren();
    if (board.look === "text") {
      const made = document.createElement("pre");
      made.textContent = fields;
      host.append(made);
      return;
    }
    const place = plan(board);
    const svg = node("svg", { class: `board ${board.look}`, viewBox: `0 0 ${place.width} ${place.height}`, role: shown.choose ? "group" : "img" });
    svg.setAttribute("aria-label", shown.label || "board");
    svg.style.maxWidth = `${Math.max(330, Math.min(place.width * 1.6, 560))}px`;
    ground(svg, board, place);
    edges(svg, board, place);
    const numbers = [];
    for (const [field, share] of shown.shares || []) numbers.push(heat(svg, board, share, fields[field] !== ".", ...place.middle(field)));
    if (shown.picked != null) ring(svg, board, "picked", place.middle(shown.picked));
    [...fields].forEach((what, field) => {
      if (what !== ".") piece(svg, board.look, what, ...place.middle(field));
    });
    if (shown.last?.to != null) ring(svg, board, "last", place.middle(shown.last.to));
    if (shown.last?.start != null) ring(svg, board, "last", place.middle(shown.last.start));
    if (shown.hint?.start != null) arrow(svg, "hint", place.middle(shown.hint.start), place.middle(shown.hint.to));
    else if (shown.hint?.to != null) ring(svg, board, "hint", place.middle(shown.hint.to));
    numbers.forEach((write) => write());
    for (const [field, called] of shown.choices || []) {
      choice(svg, place.middle(field), field, called, shown, shown.dots?.has(field) && !shown.shares?.has(field));
    }
    host.append(svg);
  };

  const ring = (svg, { look }, kind, [x, y]) => {
    if (["chess", "othello", "noughts"].includes(look)) node("rect", { class: `ring ${kind}`, x: x - SIDE / 2 + 2, y: y - SIDE / 2 + 2, width: SIDE - 4, height: SIDE - 4, rx: 3 }, svg);
    else node("circle", { class: `ring ${kind}`, cx: x, cy: y, r: kind === "last" ? SIDE * 0.16 : SIDE * 0.44 }, svg);
  };

  // A field that can be chosen with the pointer and with the keyboard.
  const choice = (svg, [x, y], field, called, shown, dotted) => {
    const part = node("g", { class: "choice", role: "button", tabindex: 0, "aria-label": called, "data-field": field }, svg);
    if (dotted) node("circle", { class: "dot", cx: x, cy: y, r: 4 }, part);
    node("rect", { class: "over", x: x - SIDE / 2, y: y - SIDE / 2, width: SIDE, height: SIDE }, part);
    part.addEventListener("click", () => shown.choose(field));
    part.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      shown.choose(field);
    });
  };

  // Shares of moves by the field they are made on; of a piece that was picked those of its moves alone.
  const shares = (moves, which, picked) => {
    const found = new Map();
    for (const move of moves) {
      if (move.to == null || (picked != null && move.start !== picked)) continue;
      found.set(move.to, (found.get(move.to) || 0) + move[which]);
    }
    return new Map([...found].filter(([, share]) => share >= 0.005));
  };

  // How the pieces of who begins and of the other are to be told apart; none where a board's text does not show it.
  const LOOKS = {
    chess: ["White", "Black"],
    othello: ["Black", "White"],
    go: ["Black", "White"],
    gomoku: ["Black", "White"],
    noughts: ["X", "O"],
    discs: ["blue", "orange"],
    hex: ["blue", "orange"],
  };
  const pieces = (board) => board.pieces || LOOKS[board.look] || null;

  return { draw, shares, per_cent, signed, pieces };
})();
