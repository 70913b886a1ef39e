
// Comfort only: the page says everything without it. It copies, sorts, filters and unfolds, and asks nobody for anything.
(function () {
  "use strict";

  function button(words, label, act) {
    var b = document.createElement("button");
    b.type = "button";
    b.textContent = words;
    if (label) b.setAttribute("aria-label", label);
    b.addEventListener("click", act);
    return b;
  }

  function copied(b) {
    b.textContent = "Copied";
    setTimeout(function () { b.textContent = "Copy"; }, 1500);
  }

  function select(node) {
    var range = document.createRange();
    range.selectNodeContents(node);
    var s = window.getSelection();
    s.removeAllRanges();
    s.addRange(range);
  }

  document.querySelectorAll("pre.command").forEach(function (pre) {
    var box = document.createElement("div");
    box.className = "held";
    pre.parentNode.insertBefore(box, pre);
    box.appendChild(pre);
    var b = button("Copy", "Copy the command", function () {
      var text = pre.textContent;
      if (navigator.clipboard) {
        navigator.clipboard.writeText(text).then(function () { copied(b); }, function () { select(pre); });
      } else {
        select(pre);
        if (document.execCommand("copy")) copied(b);
      }
    });
    box.appendChild(b);
  });

  function key(cell, numeric) {
    var text = cell ? cell.textContent.trim() : "";
    if (!numeric) return text.toLowerCase();
    var n = parseFloat(text.replace(/[ ,%]/g, ""));
    return isNaN(n) ? -Infinity : n;
  }

  function sortBy(table, column, th) {
    var down = th.getAttribute("aria-sort") !== "descending";
    var numeric = th.classList.contains("num");
    if (!numeric && !th.hasAttribute("aria-sort")) down = false;
    table.querySelectorAll("th").forEach(function (other) { other.removeAttribute("aria-sort"); });
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    var body = table.tBodies[0];
    Array.from(body.rows).map(function (row, i) {
      return { row: row, key: key(row.cells[column], numeric), i: i };
    }).sort(function (a, b) {
      var order = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
      return (down ? -order : order) || a.i - b.i;
    }).forEach(function (x) { body.appendChild(x.row); });
  }

  document.querySelectorAll("table").forEach(function (table) {
    if (!table.tHead || table.tBodies[0].rows.length < 3) return;
    Array.from(table.tHead.rows[0].cells).forEach(function (th, column) {
      var words = th.textContent;
      if (!words) return;
      th.textContent = "";
      th.appendChild(button(words, "", function () { sortBy(table, column, th); }));
    });
    if (table.tBodies[0].rows.length < 15) return;
    var label = document.createElement("label");
    label.className = "filter";
    label.textContent = "Only rows with";
    var input = document.createElement("input");
    input.type = "search";
    input.addEventListener("input", function () {
      var words = input.value.toLowerCase();
      Array.from(table.tBodies[0].rows).forEach(function (row) {
        row.hidden = words !== "" && row.textContent.toLowerCase().indexOf(words) < 0;
      });
    });
    label.appendChild(input);
    table.parentNode.parentNode.insertBefore(label, table.parentNode);
  });

  // A link may lead into something folded.
  function unfold() {
    var at = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var node = at; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
    if (at) at.scrollIntoView();
  }
  window.addEventListener("hashchange", unfold);
  unfold();

  var nav = document.querySelector("nav ul");
  if (nav) {
    var item = document.createElement("li");
    var all = button("Unfold all", "", function () {
      var open = all.textContent === "Unfold all";
      document.querySelectorAll("details").forEach(function (d) { d.open = open; });
      all.textContent = open ? "Fold all" : "Unfold all";
    });
    item.appendChild(all);
    nav.appendChild(item);
  }
})();
