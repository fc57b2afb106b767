// lo as a wire: the tools that the suite builds on do what it says.

import { describeLab } from './support'

describeLab('a wire', () => {
  test('has the MTU of Ethernet, cuts nothing, and loses as many as it says', async () => {
    const { wire } = await import('./places.mjs')
    const { inside } = await import('./namespaces.mjs')
    const place = await wire()
    try {
      const { namespace, address } = place
      expect(place.exec).toEqual(['ip', 'netns', 'exec', namespace])
      expect(await inside(namespace, 'ip', 'link', 'show', 'lo')).toContain('mtu 1500')
      const features = await inside(namespace, 'ethtool', '-k', 'lo')
      for (const name of [
        'tcp-segmentation-offload',
        'generic-segmentation-offload',
        'generic-receive-offload',
        'tx-udp-segmentation',
      ]) {
        expect(features).toContain(`${name}: off`)
      }
      const ping = async (count: number) => {
        const text = await inside(
          namespace,
          ...['ping', '-q', '-c', String(count), '-i', '0.002', '-W', '1', address],
        ).catch((error: Error) => `${(error.cause as { stdout: string }).stdout}`)
        return Number(/(\d+) received/.exec(text)?.[1])
      }
      expect(await ping(20)).toBe(20)
      expect(await place.lost()).toBe(0)
      // A request and its answer: a packet for each that fails.
      await place.loss(0.3)
      const received = await ping(200)
      expect(await place.lost()).toBe(200 - received)
      expect(received).toBeGreaterThan(50)
      expect(received).toBeLessThan(150)
      await place.loss(1)
      expect(await ping(3)).toBe(0)
      await place.loss(0)
      expect(await ping(20)).toBe(20)
      await expect(place.loss(2)).rejects.toThrow('allowed: a number from 0 to 1')
    } finally {
      await place.close()
    }
  })
})
