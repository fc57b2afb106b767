// Features of the operating system that peers are told to do without, to find out whether one of them is to blame for something.

import { OptionError } from './errors'
import type { DisabledFeatures } from './native_types'

/** By the name in the environment variable. */
const features: Readonly<Record<string, keyof DisabledFeatures>> = {
  gso: 'gso',
  gro: 'gro',
  mmsg: 'mmsg',
  'dont-fragment': 'dontFragment',
  buffers: 'buffers',
}

/** What the environment variable `HAWSER_DISABLE` names, separated by commas. Throws an {@link OptionError} for other names. */
export function disabledFeatures(text = process.env.HAWSER_DISABLE ?? ''): DisabledFeatures {
  const disabled: DisabledFeatures = {}
  for (const name of text.split(',')) {
    const known = name.trim()
    if (known === '') continue
    const feature = Object.hasOwn(features, known) ? features[known] : undefined
    if (feature === undefined) {
      const allowed = `a list of ${Object.keys(features).join(', ')}, separated by commas`
      throw new OptionError('HAWSER_DISABLE', text, allowed)
    }
    disabled[feature] = true
  }
  return disabled
}
