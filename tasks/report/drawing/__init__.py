"""Pictures: fabric, drill and trend as SVG."""
