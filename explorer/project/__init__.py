"""Projects on disk: a state and its latents as JSON, text, or inside a picture or film, and its models' places."""
