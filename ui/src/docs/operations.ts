interface Operation {
  title: string;
  /** Such as `$ref:$.channels.job`. */
  channel: string;
}

/** The AsyncAPI document as its parser writes it down. */
export interface Description {
  channels: Record<string, { address: string }>;
  operations: Record<string, Operation>;
}

/** The document with one of its operations, or with none, as text. */
export function part(description: Description, id: string | null): string {
  const one = id === null ? undefined : description.operations[id];
  return JSON.stringify({ ...description, operations: one && id ? { [id]: one } : {} });
}

interface Contents {
  list: HTMLElement;
  /** Say which operation is shown; none where the name is empty. */
  mark: (id: string) => void;
}

/** A table of contents: the channels, each with its operations. */
export function contents({ channels, operations }: Description): Contents {
  const list = made("nav", { className: "contents", ariaLabel: "Operations" });
  const links = new Map([["", link("", "Overview")]]);
  list.append(...links.values());
  for (const [name, { address }] of Object.entries(channels)) {
    const own = Object.entries(operations).filter(([, operation]) => operation.channel.endsWith(`.${name}`));
    const items = own.map(([id, { title }]) => {
      const item = made("li", {});
      const to = link(id, title);
      links.set(id, to);
      item.append(to);
      return item;
    });
    const operationsOfIt = made("ul", {});
    operationsOfIt.append(...items);
    list.append(made("h2", { textContent: address }), operationsOfIt);
  }
  const mark = (id: string): void => {
    for (const [one, to] of links) {
      if (one === id) to.setAttribute("aria-current", "page");
      else to.removeAttribute("aria-current");
    }
  };
  return { list, mark };
}

function link(id: string, text: string): HTMLAnchorElement {
  return made("a", { href: `#${id}`, textContent: text });
}

function made<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]>,
): HTMLElementTagNameMap[Tag] {
  return Object.assign(document.createElement(tag), properties);
}
