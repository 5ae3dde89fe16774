/** A short bell, made rather than loaded. Browsers allow it only after the person has done something on the page. */

let audio: AudioContext | null = null

/** Makes the sound possible, now or with the first gesture. Returns how to stop waiting for that. */
export function unlockSound(): () => void {
  const controller = new AbortController()
  const unlock = () => {
    audio ??= new AudioContext()
    void audio.resume()
    controller.abort()
  }
  if (navigator.userActivation?.hasBeenActive) unlock()
  addEventListener('pointerdown', unlock, { signal: controller.signal })
  addEventListener('keydown', unlock, { signal: controller.signal })
  return () => controller.abort()
}

export function ring() {
  if (audio?.state !== 'running') return
  strike(audio, 880, audio.currentTime, 0.16)
  strike(audio, 1318.5, audio.currentTime + 0.09, 0.1)
}

/** One partial of the bell: an instant attack and a long, soft end. */
function strike(context: AudioContext, frequency_hz: number, at: number, loudness: number) {
  const tone = context.createOscillator()
  const volume = context.createGain()
  tone.frequency.value = frequency_hz
  volume.gain.setValueAtTime(0, at)
  volume.gain.linearRampToValueAtTime(loudness, at + 0.008)
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.7)
  tone.connect(volume).connect(context.destination)
  tone.start(at)
  tone.stop(at + 0.75)
}
