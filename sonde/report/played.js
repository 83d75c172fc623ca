// Games that were played out, stepped through move by move, and the board of first moves. What they are stands in data- attributes.
const plays = (() => {
  const SHOWN = 6; // moves that it thought likeliest
  const SPACE = "http://www.w3.org/2000/svg";
  const made = (tag, text, parent, kind) => {
    const one = document.createElement(tag);
    if (text != null) one.textContent = text;
    if (kind) one.className = kind;
    parent?.append(one);
    return one;
  };
  const sides = ({ look, pieces }) => {
    if (look === "chess") return ["White", "Black"];
    if (["othello", "go", "gomoku"].includes(look)) return ["Black", "White"];
    return pieces ? [`First (${pieces[0]})`, `Second (${pieces[1]})`] : ["First", "Second"];
  };

  // Where the curve of a game's value is.
  const mark = (svg, ply) => {
    if (!svg?.dataset.across) return;
    const [low, high, start, end] = svg.dataset.across.split(" ").map(Number);
    let line = svg.querySelector(".here");
    if (!line) {
      line = document.createElementNS(SPACE, "path");
      line.setAttribute("class", "mark here");
      svg.append(line);
    }
    const x = start + ((ply - low) / (high - low)) * (end - start);
    line.setAttribute("d", `M${x.toFixed(1)} 12V${svg.viewBox.baseVal.height - 42}`);
  };

  const thinks = (place, ply, which) => {
    const table = made("table", null, null, "thinks");
    const head = table.createTHead().insertRow();
    ["likeliest moves", "network", "search"].forEach((text, n) => made("th", text, head, n ? "n" : ""));
    const body = table.createTBody();
    for (const move of [...ply.moves].sort((a, b) => b[which] - a[which]).slice(0, SHOWN)) {
      const row = body.insertRow();
      if (move.action === ply.played.action) row.className = "best";
      row.insertCell().textContent = move.name;
      for (const share of [move.prior, move.policy]) made("td", `${boards.per_cent(share) || "0"} %`, row, "n");
    }
    place.replaceChildren(table);
  };

  const play = (host) => {
    const { board, against, games } = JSON.parse(host.dataset.games);
    const curves = [...(host.closest("section")?.querySelectorAll(".grid figure") || [])].map((one) => one.querySelector("svg"));
    let [game, at] = [0, 0];
    host.replaceChildren();
    const left = made("div", null, host);
    const picture = made("div", null, left, "picture");
    const beside = made("div", null, host);
    const bar = made("div", null, beside, "steps");
    const select = made("select", null, bar);
    select.setAttribute("aria-label", "game");
    games.forEach(({ title }, n) => (made("option", `game ${n + 1}, ${title}`, select).value = String(n)));
    const which = made("select", null, bar);
    which.setAttribute("aria-label", "what stands on the fields");
    [["policy", "after search"], ["prior", "network alone"]].forEach(([value, text]) => (made("option", text, which).value = value));
    const steps = made("div", null, beside, "steps");
    const slider = made("input", null);
    slider.type = "range";
    slider.min = "0";
    slider.setAttribute("aria-label", "moves made");
    const to = (text, label, place) => {
      const button = made("button", text, steps);
      button.type = "button";
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => go(place()));
    };
    to("|◀", "to the first position", () => 0);
    to("◀", "one move back", () => at - 1);
    to("▶", "one move on", () => at + 1);
    to("▶|", "to the end", () => Infinity);
    beside.append(slider);
    const said = made("p", null, beside, "said");
    const value = made("p", null, beside, "dim");
    const list = made("div", null, beside);

    const go = (place) => {
      const { plies, final, network, cut } = games[game];
      at = Math.max(0, Math.min(plies.length, place));
      [slider.max, slider.value] = [String(plies.length), String(at)];
      const ply = plies[at];
      const before = plies[at - 1];
      boards.draw(picture, board, (ply || final).fields, {
        shares: ply ? boards.shares(ply.moves, which.value) : null,
        last: before?.played,
        hint: ply?.played,
        label: `board after ${at} moves`,
      });
      curves.forEach((svg, n) => (n === game ? mark(svg, at) : svg?.querySelector(".here")?.remove()));
      if (!ply) {
        const won = final.result > 0 ? 0 : 1;
        const who = won === network ? "the network" : against === "itself" ? "the network, the other side" : "its earlier self";
        said.textContent = cut ? `Cut off ${cut}.` : final.result === 0 ? "A draw." : `${sides(board)[won]} (${who}) won.`;
        value.textContent = "";
        list.replaceChildren();
        return;
      }
      const whom = { network: "the network", earlier: "its earlier self", drawn: "a random move" }[ply.by] || ply.by;
      said.textContent = `Move ${at + 1} of ${plies.length}: ${sides(board)[ply.mover]} (${whom}) plays ${ply.played.name}.`;
      value.textContent = `Value for who began: ${boards.signed(ply.value[0])} by the network alone, ${boards.signed(ply.value[1])} after its search.`;
      thinks(list, ply, which.value);
    };
    slider.addEventListener("input", () => go(Number(slider.value)));
    which.addEventListener("change", () => go(at));
    select.addEventListener("change", () => {
      game = Number(select.value);
      go(0);
    });
    go(0);
  };

  const open = (host) => {
    const { board, fields, shares } = JSON.parse(host.dataset.opened);
    if (board.look === "text") return;
    const found = new Map();
    for (const { to, share } of shares) if (to != null) found.set(to, (found.get(to) || 0) + share);
    boards.draw(host, board, fields, { shares: found, label: "share of first moves" });
  };

  const ready = (root) => {
    root.querySelectorAll(".played[data-games]").forEach(play);
    root.querySelectorAll(".opened[data-opened]").forEach(open);
  };
  ready(document);
  return { ready };
})();
