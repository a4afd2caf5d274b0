"""Projects on disk: a state and its latents as JSON, as text, or inside a picture or film; and where its models lie."""
