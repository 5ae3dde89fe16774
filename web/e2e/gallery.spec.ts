/** Every state of every screen: no accessibility violations, nothing wider than the window, no error in the page. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import type { AxeResults } from 'axe-core'
import { build, type PreviewServer, preview } from 'vite'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const sizes = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
  narrow: { width: 360, height: 740 },
}

/** One look at each state in each theme; the sizes and the language that reads from right to left take turns. */
const looks = [
  { theme: 'light', lang: 'en', size: 'desktop', rules: {} },
  { theme: 'dark', lang: 'en', size: 'phone', rules: {} },
  // The colours are those of the first look.
  { theme: 'light', lang: 'ar', size: 'narrow', rules: { 'color-contrast': { enabled: false } } },
] as const

/** Skeletons come after 300 ms. */
const settle_ms = 400

// The looks mostly wait for the page to settle, so they wait side by side; each worker builds in some seconds.
test.describe.configure({ mode: 'parallel' })

const root = new URL('..', import.meta.url).pathname
let outDir: string
let server: PreviewServer
let address: string

test.beforeAll(async () => {
  test.setTimeout(120_000)
  outDir = await mkdtemp(join(tmpdir(), 'frontdesk-gallery-'))
  const rolldownOptions = { input: join(root, 'e2e/gallery/index.html') }
  await build({ root, logLevel: 'error', build: { outDir, rolldownOptions } })
  server = await preview({ root, logLevel: 'error', build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
  address = `${server.resolvedUrls?.local[0]}e2e/gallery/index.html`
})
test.afterAll(async () => {
  await server.close()
  await rm(outDir, { recursive: true })
})

interface Gallery {
  show(screen: string, state: string): Promise<void>
  axe: { run(options: object): Promise<AxeResults> }
}

async function states(page: Page): Promise<[screen: string, state: string][]> {
  const links = page.getByRole('link')
  await expect(links.first()).toBeVisible({ timeout: 60_000 })
  const hrefs = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''))
  return hrefs.map((href) => {
    const query = new URLSearchParams(href)
    return [query.get('screen') ?? '', query.get('state') ?? '']
  })
}

for (const { theme, lang, size, rules } of looks) {
  test(`every state is accessible and fits: ${theme}, ${lang}, ${size}`, async ({ page }) => {
    test.setTimeout(600_000)
    const problems: string[] = []
    let where = ''
    page.on('pageerror', (error) => problems.push(`${where}: ${error.message}`))
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await page.setViewportSize(sizes[size])
    await page.goto(`${address}?theme=${theme}&lang=${lang}`)
    const all = await states(page)
    await page.evaluate(axe)
    for (const [screen, state] of all) {
      where = `${screen} ${state}`
      await page.evaluate(([a, b]) => (window as unknown as Gallery).show(a, b), [screen, state] as const)
      await page
        .locator('main:visible, [role=main]:visible')
        .first()
        .waitFor({ timeout: 10_000 })
        .catch(() => problems.push(`${where}: there is no main part`))
      await page.waitForTimeout(settle_ms)
      problems.push(...(await violations(page, rules)).map((each) => `${where}: ${each}`))
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (overflow > 0) problems.push(`${where}: ${overflow} px wider than the window`)
    }
    expect(problems).toEqual([])
  })
}

async function violations(page: Page, rules: object): Promise<string[]> {
  const results = await page.evaluate((options) => (window as unknown as Gallery).axe.run(options), { rules })
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}, ${help}: ${node.target.join(' ')} ${node.failureSummary?.split('\n')[1] ?? ''}`),
  )
}
