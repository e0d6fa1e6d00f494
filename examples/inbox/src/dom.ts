// Elements, made and kept. All text goes through text nodes: nothing that somebody wrote is ever read as HTML.

export type Child = Node | string | null | undefined | false
type Listener = (event: never) => unknown
type Properties = { [name: string]: string | number | boolean | null | undefined | Listener }

/** An element: `onclick` and the like are listeners, the rest attributes; `false` and `null` leave one out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value))
  }
  fill(element, ...children)
  return element
}

export function fill(element: Element, ...children: Child[]): void {
  const shown = (child: Child): child is Node | string => child !== null && child !== undefined && child !== false
  element.replaceChildren(...children.filter(shown))
}

export interface Keyed {
  key: string
  /** While it stays the same, so does the element: a playing voice message plays on. */
  signature: string
  render: () => HTMLElement
}

const signatures = new WeakMap<Element, string>()

/** Makes the children of `parent` these, in this order, touching only what has changed; the focus stays. */
export function reconcile(parent: HTMLElement, items: Keyed[]): void {
  const old = new Map([...parent.children].map((node) => [(node as HTMLElement).dataset['key'], node as HTMLElement]))
  const focused = parent.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null
  const focusedKey = focused?.closest<HTMLElement>('[data-key]')?.dataset['key']
  items.forEach((item, place) => {
    let node = old.get(item.key)
    old.delete(item.key)
    if (!node || signatures.get(node) !== item.signature) {
      const fresh = item.render()
      fresh.dataset['key'] = item.key
      signatures.set(fresh, item.signature)
      node?.replaceWith(fresh)
      node = fresh
    }
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null)
  })
  for (const node of old.values()) node.remove()
  if (!focused || document.activeElement === focused) return
  const again = focused.isConnected ? focused : find(parent, focusedKey)?.querySelector<HTMLElement>(focused.tagName)
  again?.focus({ preventScroll: true })
}

function find(parent: HTMLElement, key: string | undefined): HTMLElement | undefined {
  return ([...parent.children] as HTMLElement[]).find((node) => node.dataset['key'] === key)
}
