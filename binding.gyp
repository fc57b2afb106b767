# Builds the addon for the package. Sources, defines, standard and flags are in native/sources.json, which
# native/CMakeLists.txt reads too; `npm run sources` brings that list up to date.
{
  'variables': {
    'openssl_fips': '',
    # What scripts/linked-openssl.mjs made, for a prebuilt addon (GYP_DEFINES=linked_openssl=FILE).
    'linked_openssl%': '',
  },
  'targets': [
    {
      'target_name': 'hawser',
      'sources': ['<!@(node -p "require(\'./native/sources.json\').sources.join(\' \')")'],
      'defines': ['<!@(node -p "require(\'./native/sources.json\').defines.join(\' \')")'],
      'include_dirs': [
        '<!@(node -p "require(\'./native/sources.json\').include_dirs.join(\' \')")',
        '<!(node -p "require(\'node-addon-api\').include_dir")',
      ],
      'cflags_cc!': ['-fexceptions', '-frtti'],
      'cflags_cc': [
        '-std=<!(node -p "require(\'./native/sources.json\').standard")',
        '<!@(node -p "require(\'./native/sources.json\').cflags.join(\' \')")',
      ],
      'conditions': [
        ['OS=="linux"', {
          'cflags_cc': ['<!@(node -p "require(\'./native/sources.json\').addon_cflags.join(\' \')")'],
          'ldflags': ['<!@(node -p "require(\'./native/sources.json\').addon_ldflags.join(\' \')")'],
          'libraries': ['<!@(node -p "require(\'./native/sources.json\').addon_libraries.join(\' \')")'],
        }],
        ['linked_openssl!=""', {
          'defines': ['HAWSER_LINKED_OPENSSL'],
          'libraries': ['<(linked_openssl)'],
        }],
      ],
      'configurations': {
        'Release': {'cflags_cc': ['-O3'], 'defines': ['NDEBUG']},
      },
    },
  ],
}
