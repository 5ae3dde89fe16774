// Takes the README's pictures of the two pages from a fresh demo. The pages use the system's fonts: for every name of the
// demo, install fonts-noto-cjk and fonts-noto-color-emoji first (Debian).
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = join(import.meta.dirname, '..')
const { chromium } = createRequire(join(root, 'web/package.json'))('@playwright/test')
const binary = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/frontdesk')
const images = join(root, 'docs/images')
const patience_ms = 30_000

function serve(folder) {
  const server = spawn(binary, ['serve', '--demo', '--data', folder, '--listen', '127.0.0.1:0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const address = new Promise((done, fail) => {
    let said = ''
    server.stdout.on('data', (text) => {
      said += text
      const found = /listening on (http:\S+)/.exec(said)?.[1]
      if (found) done(found)
    })
    server.once('exit', (code) => fail(new Error(`the demo ended with ${code}`)))
  })
  return { server, address }
}

async function open(browser, url, account) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
  })
  context.setDefaultTimeout(patience_ms)
  const page = await context.newPage()
  await page.goto(url)
  await page.getByRole('button', { name: account }).click()
  return page
}

/** Pictures in the conversation are fetched after it is shown. */
async function shoot(page, name) {
  await page.waitForLoadState('networkidle')
  await page.evaluate(() => document.fonts.ready)
  await page.mouse.move(1439, 0)
  await page.screenshot({ path: join(images, name) })
  console.log(join('docs/images', name))
}

mkdirSync(images, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'frontdesk-screenshots-'))
const { server, address } = serve(join(folder))
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
})
try {
  const url = await address
  const { demo } = await (await fetch(`${url}/api/options/`)).json()
  const [user] = demo.filter(({ role }) => role === 'user')
  const [admin] = demo.filter(({ role }) => role === 'admin')

  const console_page = await open(browser, `${url}/console/`, admin.name)
  const user_page = await open(browser, `${url}/`, user.name)
  await user_page.getByRole('log').getByRole('article').last().waitFor()

  await console_page.getByRole('link', { name: new RegExp(`^${user.name}`) }).click()
  await console_page.getByRole('log').getByRole('article').last().waitFor()
  await shoot(console_page, 'console.png')
  await shoot(user_page, 'user.png')
} finally {
  await browser.close()
  server.removeAllListeners('exit')
  const ended = new Promise((done) => server.once('exit', done))
  server.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
