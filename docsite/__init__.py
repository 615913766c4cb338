"""The documentation as a site: what MkDocs needs to know of this repository, and pages made from the models."""
