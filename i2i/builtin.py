"""Components that come with the engine, registered like any plugin's."""
