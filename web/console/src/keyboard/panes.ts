/** F6: from pane to pane, in the order in which they are read. */

const shown = (pane: HTMLElement) => pane.offsetParent !== null || pane.getClientRects().length > 0

const tabbable = 'a[href], button:not([disabled]), input, textarea, [tabindex="0"]'

/** Where focus goes in a pane: the part that asks for it, else its first control, else itself. */
function target(pane: HTMLElement): HTMLElement {
  const wanted = pane.querySelector<HTMLElement>('textarea, [data-pane-focus]')
  if (wanted) return wanted.matches(tabbable) ? wanted : (wanted.querySelector<HTMLElement>(tabbable) ?? wanted)
  return pane.querySelector<HTMLElement>(tabbable) ?? pane
}

export function focusNextPane(backwards: boolean) {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter(shown)
  if (panes.length === 0) return
  const here = panes.findIndex((pane) => pane.contains(document.activeElement))
  const step = backwards ? -1 : 1
  const next = here === -1 ? 0 : (here + step + panes.length) % panes.length
  const pane = panes[next]
  if (pane) target(pane).focus()
}
