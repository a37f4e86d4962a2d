// The words that scripts say; the server writes them in the reader's language.
const source = document.getElementById("ui-words");
const words = source ? JSON.parse(source.textContent) : {};

export function word(name, values = {}) {
  return (words[name] ?? name).replace(/%\((\w+)\)[sd]/g, (_, key) => values[key] ?? "");
}
