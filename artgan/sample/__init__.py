"""The procedural sample archive: generated pictures, delivered the way a museum delivers scans."""
