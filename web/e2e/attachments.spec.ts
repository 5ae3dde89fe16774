/** Files: by button, by drag, by paste; with progress, to be stopped and tried again; seen and fetched by the other side. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { chat } from '../ui/src/messages/en'
import { ada, conversation, grace } from './support/cast'
import { history } from './support/faults'
import { everybody, expect, test } from './support/test'

const records = [...everybody, ...conversation(7, grace, [[grace, 'Hello']])]

const text = (name: string, bytes: number) => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.alloc(bytes, 'frontdesk '),
})

/** A picture that the browser itself paints, so that it is a real one. */
async function picture(page: Page, name: string) {
  const bytes = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(640, 400)
    const pen = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D
    pen.fillStyle = 'teal'
    pen.fillRect(0, 0, 640, 400)
    pen.fillStyle = 'gold'
    pen.fillRect(120, 80, 200, 120)
    const blob = await canvas.convertToBlob({ type: 'image/png' })
    return [...new Uint8Array(await blob.arrayBuffer())]
  })
  return { name, mimeType: 'image/png', buffer: Buffer.from(bytes) }
}

type Payload = { name: string; mimeType: string; buffer: Buffer }

/** A file from outside the browser, held over the page or copied. */
const transfer = (page: Page, file: Payload) =>
  page.evaluateHandle(
    ({ name, type, base64 }) => {
      const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0))
      const data = new DataTransfer()
      data.items.add(new File([bytes], name, { type }))
      return data
    },
    { name: file.name, type: file.mimeType, base64: file.buffer.toString('base64') },
  )

/** So slow that a person would see it go. */
async function slowUploads(page: Page, bytes_per_second: number): Promise<() => Promise<unknown>> {
  const devtools = await page.context().newCDPSession(page)
  const set = (uploadThroughput: number) =>
    devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput,
    })
  await set(bytes_per_second)
  return () => set(-1)
}

test.describe('files', { tag: '@phone' }, () => {
  test.use({ world: { records } })

  test('a picture chosen by the button is seen and fetched by the admin', async ({ user, admin }) => {
    const [graces, adas] = [await user(), await admin()]
    await adas.opens(grace)
    const file = await picture(graces.page, 'parcel.png')
    await graces.chooses(file)
    await expect(graces.page.getByRole('button', { name: chat.remove_file('parcel.png') })).toBeVisible()
    await graces.says('This is how it came')
    await graces.sees('This is how it came')

    for (const { log } of [graces, adas]) {
      const thumbnail = log.getByRole('button', { name: chat.open_image('parcel.png') })
      await expect(thumbnail).toBeVisible()
      await expect
        .poll(() => thumbnail.evaluate((each) => each.querySelector('img')?.naturalWidth ?? 0))
        .toBeGreaterThan(0)
    }
    await adas.log.getByRole('button', { name: chat.open_image('parcel.png') }).click()
    const whole = adas.page.getByRole('dialog', { name: 'parcel.png' })
    await expect(whole.getByRole('img', { name: 'parcel.png' })).toHaveJSProperty('naturalWidth', 640)
    const download = adas.page.waitForEvent('download')
    await whole.getByRole('button', { name: chat.download('parcel.png') }).click()
    const fetched = await download
    expect(fetched.suggestedFilename()).toBe('parcel.png')
    expect((await readFile(await fetched.path())).equals(file.buffer)).toBe(true)
    await adas.page.keyboard.press('Escape')
    await expect(whole).toBeHidden()
  })

  test('an admin sends a file, the user fetches the same bytes', async ({ user, admin }) => {
    const [graces, adas] = [await user(), await admin()]
    await adas.opens(grace)
    const file = text('Rechnung ü 4711.txt', 12_345)
    await adas.chooses(file)
    await adas.sendButton.click()
    const download = graces.page.waitForEvent('download')
    await graces.log.getByRole('button', { name: chat.download(file.name) }).click()
    const fetched = await download
    expect(fetched.suggestedFilename()).toBe(file.name)
    expect((await readFile(await fetched.path())).equals(file.buffer)).toBe(true)
  })
})

test.describe('files on a desktop', () => {
  test.use({ world: { records } })

  test('a file that is dragged over the conversation is attached', async ({ user, admin }) => {
    const [graces, adas] = [await user(), await admin()]
    await adas.opens(grace)
    const dataTransfer = await transfer(graces.page, text('notes.txt', 500))
    const target = graces.page.getByRole('main')
    await target.dispatchEvent('dragenter', { dataTransfer })
    await expect(graces.page.getByText(chat.drop)).toBeVisible()
    await target.dispatchEvent('drop', { dataTransfer })
    await expect(graces.page.getByText(chat.drop)).toBeHidden()
    await expect(graces.page.getByRole('button', { name: chat.remove_file('notes.txt') })).toBeVisible()
    await graces.sendButton.click()
    await expect(adas.log.getByRole('button', { name: chat.download('notes.txt') })).toBeVisible()
  })

  test('a picture that is pasted is attached', async ({ user, admin }) => {
    const [graces, adas] = [await user(), await admin()]
    await adas.opens(grace)
    const clipboardData = await transfer(graces.page, await picture(graces.page, 'screenshot.png'))
    await graces.field.evaluate(
      (field, data) =>
        field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })),
      clipboardData,
    )
    await expect(graces.page.getByRole('button', { name: chat.remove_file('screenshot.png') })).toBeVisible()
    await graces.field.press('Enter')
    await expect(adas.log.getByRole('button', { name: chat.open_image('screenshot.png') })).toBeVisible()
  })

  test('an upload shows its progress, can be stopped, and goes on after a retry', async ({ user, admin }) => {
    const [graces, adas] = [await user(), await admin()]
    await adas.opens(grace)
    const full_speed = await slowUploads(graces.page, 200_000)
    await graces.chooses(text('long.txt', 4_000_000))
    await graces.sendButton.click()
    await expect(graces.log.getByText(/^[1-9]\d?% · .+ of .+$/)).toBeVisible()
    await graces.log.getByRole('button', { name: chat.upload_cancel('long.txt') }).click()
    await expect(graces.log.getByText(/^Upload stopped/)).toBeVisible()
    await full_speed()
    await graces.log.getByRole('button', { name: chat.retry }).click()
    await expect(graces.log.getByRole('button', { name: chat.download('long.txt') })).toHaveCount(1)
    await expect(adas.log.getByRole('button', { name: chat.download('long.txt') })).toHaveCount(1)
  })

  test('a stopped upload can be thrown away', async ({ user }) => {
    const graces = await user()
    await slowUploads(graces.page, 200_000)
    await graces.chooses(text('never.txt', 4_000_000))
    await graces.sendButton.click()
    await graces.log.getByRole('button', { name: chat.upload_cancel('never.txt') }).click()
    await graces.log.getByRole('button', { name: chat.delete }).click()
    await expect(graces.log.getByText('never.txt')).toHaveCount(0)
  })

  test('a file that is too large is refused before it is sent', async ({ user }, info) => {
    const graces = await user()
    const huge = info.outputPath('huge.bin')
    await mkdir(info.outputDir, { recursive: true })
    await writeFile(huge, Buffer.alloc(25 * 1024 * 1024 + 1))
    const sent: string[] = []
    graces.page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()))
    await graces.chooses(huge)
    await expect(graces.page.getByText(chat.file_too_large)).toBeVisible()
    await expect(graces.sendButton).toBeDisabled()
    await graces.field.press('Enter')
    await graces.page.getByRole('button', { name: chat.remove_file('huge.bin') }).click()
    await graces.says('It was too large')
    await graces.ticks('It was too large', 'sent')
    await expect(graces.log.getByText('huge.bin')).toHaveCount(0)
    expect(sent.filter((url) => url.includes('/messages/'))).toEqual([])
  })

  test('the eleventh file of a message is refused', async ({ user }) => {
    const graces = await user()
    await graces.chooses(Array.from({ length: 11 }, (_, index) => text(`part-${index + 1}.txt`, 10)))
    await expect(graces.page.getByText(chat.files_too_many(10))).toBeVisible()
    await graces.sendButton.click()
    await expect(graces.log.getByRole('button', { name: /^Download part-/ })).toHaveCount(10)
  })
})

test.describe('a conversation of somebody else', () => {
  test.use({ world: { records, complaints: [/status of 404/] } })

  test('gives nothing of its files', async ({ user, admin, profile, server }) => {
    const graces = await user()
    await graces.chooses(text('secret.txt', 10))
    await graces.sendButton.click()
    await expect(graces.log.getByRole('button', { name: chat.download('secret.txt') })).toBeVisible()
    const path = (await history(server, 7)).flatMap((message) => message.attachments)[0]?.url as string
    const stranger = server.command(['token', '--user', '4']).trim()
    const { request } = await profile()
    const answer = await request.get(path, { headers: { authorization: `Bearer ${stranger}` } })
    expect(answer.status()).toBe(404)
    const own = server.command(['token', '--user', String(grace.id)]).trim()
    const file = await request.get(path, { headers: { authorization: `Bearer ${own}` } })
    expect(file.status()).toBe(200)
    expect(file.headers()['x-content-type-options']).toBe('nosniff')
    await (await admin(ada)).opens(grace)
  })
})
