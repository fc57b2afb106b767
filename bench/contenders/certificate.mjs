// A self-signed X.509 certificate, which Node.js can read but not make. Only what RFC 5280 demands: version 3, ECDSA with P-256.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** One DER value: its tag, length and contents. */
function der(tag, ...parts) {
  const contents = Buffer.concat(parts)
  const { length } = contents
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), contents])
}

const sequence = (...parts) => der(0x30, ...parts)
const utcTime = (date) =>
  der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))
/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256. */
const algorithm = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
/** 2.5.4.3, the common name. */
const commonName = der(0x06, Buffer.from('550403', 'hex'))

/** A new key and a certificate for it that is valid for a day, both as PEM. */
export function certificate() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from('bench')))))
  const day = 86_400_000
  const serial = randomBytes(8)
  serial[0] = (serial[0] & 0x7f) | 1
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    name,
    sequence(utcTime(new Date(Date.now() - day)), utcTime(new Date(Date.now() + day))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', body, privateKey)
  const whole = sequence(body, algorithm, der(0x03, Buffer.from([0]), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g)
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  }
}
