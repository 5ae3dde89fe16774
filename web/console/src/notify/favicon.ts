/** The tab's icon: the mark, with a dot while something is unread. */
import mark from '../../favicon.svg?raw'

const dot = '<circle cx="25.5" cy="6.5" r="6.5" fill="#16201f" stroke="#fff" stroke-width="2"/>'

function url(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}

/** Carried in the page, so that the dot appears without a network too. */
const plainUrl = url(mark)
const unreadUrl = url(mark.replace('</svg>', `${dot}</svg>`))

export function showFavicon(unread: boolean) {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  const href = unread ? unreadUrl : plainUrl
  if (link && link.href !== href) link.href = href
}
