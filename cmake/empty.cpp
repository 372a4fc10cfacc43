// Gives targets that are made of other targets' objects a source of their own.
