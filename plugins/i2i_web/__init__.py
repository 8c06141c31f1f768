"""Pages on which anybody draws and sees what a trained model makes of it: files for any host, no server."""
