"""The Flex Template of Dataflow: its launched program, metadata and image."""
