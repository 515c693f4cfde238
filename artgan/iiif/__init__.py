"""The archive for any IIIF viewer: picture tiles and manifests as plain files."""
