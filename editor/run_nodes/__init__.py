"""The nodes that run workflows: DiscomfortTestRunner and DiscomfortLoopExecutor."""
