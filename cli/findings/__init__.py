"""What `discomfort doctor` looks at: each module looks at one part, and gives `Finding`s."""
